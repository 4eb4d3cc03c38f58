"""The documentation: pages in Markdown, and the tools that generate and test them."""
