"""The sections of a page that puts studies side by side: a file each, found by `saddle.report.section`."""
