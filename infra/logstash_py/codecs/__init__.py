"""One module for each codec plugin; `plugin` in it is the plugin's class."""
