"""The offline half: Markdown to sections, passages, vectors and a store on disk."""
