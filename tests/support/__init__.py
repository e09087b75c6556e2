"""What tests share: databases, worlds, people. No test lives here."""
