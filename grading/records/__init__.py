"""What is kept of a learner for good: records, signed credentials, entitlements, sharing and partners.

Releases and disputes write into it; it asks for nothing from them but the grades in force.
"""
