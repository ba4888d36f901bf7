// The room of ControlAPI; docs/modules.md says what goes in.
