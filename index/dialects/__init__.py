"""What site generators and editors add to Markdown, as rules of the one parser."""
