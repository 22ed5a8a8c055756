"""Discord: our client, the Messenger over REST, command registration, and what people see."""
