"""flamenco-p2p: one program makes any set of machines a Blender render farm.

The tree is the architecture: each folder is a room on a floor, and a room knows only lower floors
(see ARCHITECTURE.md). `node.py` puts the rooms together; nothing else does.
"""

__version__ = "0.1.0"
