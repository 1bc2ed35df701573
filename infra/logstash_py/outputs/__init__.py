"""One module for each output plugin; `plugin` in it is the plugin's class."""
