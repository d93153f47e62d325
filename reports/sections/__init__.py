"""One section of the page per file: `render(view)` gives the section, or None when it has nothing to say."""
