"""Live events of cases 办件动态: who follows the trail from a cursor gets each event once, in the trail's order.

The sealed trail is the one source. What is published is only a bell (`cache/pubsub.py`): a lost one costs time, never
an event.
"""
