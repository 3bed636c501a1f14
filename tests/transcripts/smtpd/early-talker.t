# a client that speaks before the greeting
config early EHLO x
S: 554 5.5.0 you spoke before the greeting
closed:
