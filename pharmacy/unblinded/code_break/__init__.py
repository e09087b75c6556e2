"""The code break: emergency unblinding by an investigator alone, at any hour, for one person."""
