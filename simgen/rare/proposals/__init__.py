"""How scenes that may hold a rare case are proposed: cheap looks at a drawn scene, before it is rendered.

In the order of the looks: `numbers` describes a drawn scene; `chances` says from that how likely a condition is;
`rough` lets the scene settle and measures it without rendering; `tilt` makes acceptance probabilities of both.
"""
