"""What a legal plan must satisfy, and warnings about what is legal but seldom intended."""
