"""This node among its peers: how a decision becomes durable and agreed upon.

Flows in: proposed decisions. Flows out: answers to the proposers, events to the bus.
Today a node is the only voter of its own farm: a decision is agreed upon once it is durable in this
node's log. Everything above knows only `farm.bridge.Bridge`, so agreement among several voters
replaces what is in this room and nothing else.
"""
