// The room of EarnRules; docs/modules.md says what goes in.
