"""A few months of believable cases: what somebody sees who opens Holdfast for the first time.

Organisations, people, incidents and amounts are invented, and every request says so. Addresses come
from public lists where these are at hand (facts), else they are invented, too, and always valid.
"""
