// The room of LoyaltyDaemon; docs/modules.md says what goes in.
