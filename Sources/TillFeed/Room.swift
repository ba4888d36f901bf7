// The room of TillFeed; docs/modules.md says what goes in.
