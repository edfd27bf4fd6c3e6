"""Files that simgen ships: scene configs, training settings, small meshes; read through `importlib.resources`."""
