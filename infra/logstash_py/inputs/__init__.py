"""One module for each input plugin; `plugin` in it is the plugin's class."""
