#include "daemon/web_curl.h"

#include <dlfcn.h>
#include <string.h>

/* The interface of libcurl 4 has been the same since 2006. */
static const char soname[] = "libcurl.so.4";

const struct curl_calls *curl_calls(struct err *err)
{
#define CURL_NAME(name) { "curl_" #name, &calls.name },
	static struct curl_calls calls;
	static const struct {
		const char *name;
		void *pointer;
	} wanted[] = { CURL_CALLS(CURL_NAME) };
	static void *library;

	if (library != NULL)
		return &calls;
	library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		err_set(err, ST_IO, "%s", dlerror());
		return NULL;
	}
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		void *found = dlsym(library, wanted[i].name);

		if (found == NULL) {
			err_set(err, ST_IO, "%s has no %s", soname, wanted[i].name);
			dlclose(library);
			library = NULL;
			return NULL;
		}
		memcpy(wanted[i].pointer, &found, sizeof found);
	}
	return &calls;
}
