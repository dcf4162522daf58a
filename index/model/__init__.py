"""The default model: its packed weights, its tokenizer, and the files exported from them."""
