// The room of UpstreamSync; docs/modules.md says what goes in.
