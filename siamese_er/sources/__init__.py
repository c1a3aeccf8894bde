"""The only readers of foreign formats: files of users in, RECORDS, NOTES and QUARANTINE out."""
