"""Enrolment from a page: record, learn, look at the result, keep it or do it again."""
