// The room of USBReaders; docs/modules.md says what goes in.
