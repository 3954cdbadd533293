# The headers' comments are plain C; Doxygen wants its own marks.
1s|^/\* |/** @file\n * |
2,$s|^/\* ([^=])|/** \1|
s/([;,0-9]) +\/\* /\1 \/**< /
