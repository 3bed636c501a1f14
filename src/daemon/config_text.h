/* config_text.h -- restante.conf as a text, before libconfuse sees it. */
#ifndef RESTANTE_DAEMON_CONFIG_TEXT_H
#define RESTANTE_DAEMON_CONFIG_TEXT_H

/* Puts spaces where comments are: libconfuse counts their lines more than once. */
void config_blank_comments(char *s);

#endif
