// The room of Checkout; docs/modules.md says what goes in.
