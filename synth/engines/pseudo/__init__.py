"""Other speakers from one recorded voice: `speaker` fits pitch and timbre to a reference, `blend` lies between two."""
