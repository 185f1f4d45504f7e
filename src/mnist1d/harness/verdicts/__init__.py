"""Rules for verdicts on claims, their margins, and what they are compared with."""
