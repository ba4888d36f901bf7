// The room of CardReading; docs/modules.md says what goes in.
