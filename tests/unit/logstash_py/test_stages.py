"""Pipelines with clone or split, which run stage by stage."""

from logstash_py import Pipeline


def test_each_condition_looks_its_fields_up_by_itself():
    pipeline = Pipeline.from_text(
        """filter {
          if [@metadata][a][b] { mutate { add_tag => "first" } }
          clone { clones => ["copy"] }
          if [c][d] == "1" and [@metadata][a][b] { mutate { add_tag => "second" } }
        }"""
    )
    [one, copy] = pipeline.filter([{"c": {"d": "1"}, "@metadata": {"a": {"b": "x"}}}])
    assert one["tags"] == ["first", "second"]
    assert copy["tags"] == ["first", "copy", "second"]


def test_each_plugin_has_its_time():
    pipeline = Pipeline.from_text("filter { clone { clones => [copy] } grok { match => { text => '(a|b)+z' } } }")
    pipeline.filter([{"text": "ab" * 1000}] * 20)
    clone, grok = (one.metrics.seconds for one in pipeline.filters)
    assert 0 < clone < grok
