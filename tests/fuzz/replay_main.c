/* Runs a fuzz target over files that are there: the corpus, and every finding that was fixed.
 *
 *   fuzz_<name> FILE-OR-DIRECTORY...
 *
 * With libFuzzer (meson -Dfuzzers=true, clang) its own main takes this one's place. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct buf b = { 0 };
	char piece[4096];
	size_t n;
	void *exact;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_put(&b, str_of(piece, n));
	fclose(f);
	/* A block of exactly this size, so that the sanitizer sees one octet too many. */
	exact = malloc(b.len == 0 ? 1 : b.len);
	if (exact != NULL && b.len > 0)
		memcpy(exact, buf_str(&b).p, b.len);
	if (exact != NULL)
		LLVMFuzzerTestOneInput(exact, b.len);
	free(exact);
	buf_deinit(&b);
	replayed++;
	return 0;
}

static int replay_directory(const char *dir)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, NULL, alphasort), result = n < 0 ? -1 : 0;

	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof path, "%s/%s", dir, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.' && replay_file(path) != 0)
			result = -1;
		free(entries[i]);
	}
	free(entries);
	return result;
}

int main(int argc, char **argv)
{
	int result = 0;

	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) != 0) {
			perror(argv[i]);
			result = -1;
		} else if ((S_ISDIR(st.st_mode) ? replay_directory(argv[i])
						: replay_file(argv[i])) != 0) {
			result = -1;
		}
	}
	printf("%zu inputs\n", replayed);
	return result != 0 || replayed == 0;
}
