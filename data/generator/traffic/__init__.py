"""Who asks for what, when: people in browsers, the app, listeners and buyers."""
