"""The Try it tab: one sample, what the network takes it for, and what that rests on."""
