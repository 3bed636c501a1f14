/* What memory.py must find: each of its three allocations, when it fails, is borne badly in a way of its own. */
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *volatile followed = malloc(100);
	char *volatile given_back_twice, *volatile waited_for;

	strcpy(followed, "NULL is followed");
	given_back_twice = calloc(2, 100);
	if (given_back_twice == NULL)
		free(followed);
	waited_for = realloc(NULL, 300);
	while (waited_for == NULL)
		continue;
	free(waited_for);
	free(given_back_twice);
	free(followed);
	return 0;
}
