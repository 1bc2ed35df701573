"""One module for each filter plugin; `plugin` in it is the plugin's class."""
