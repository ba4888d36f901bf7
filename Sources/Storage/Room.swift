// The room of Storage; docs/modules.md says what goes in.
