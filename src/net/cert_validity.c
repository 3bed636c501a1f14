#include "net/cert_validity.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

enum { DAY_S = 24 * 3600, SOON_DAYS = 14 };

static X509 *first_of(struct str pem)
{
	BIO *bio = pem.n > INT_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	ERR_clear_error();
	return cert;
}

static bool seconds_of(const ASN1_TIME *t, int64_t *s)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*s = timegm(&tm);
	return true;
}

static void say(const char *name, int64_t from_s, int64_t to_s, int64_t now_s,
	void (*each)(void *arg, const char *text), void *arg)
{
	int64_t soon_s =
		(to_s - from_s) / 3 < SOON_DAYS * DAY_S ? (to_s - from_s) / 3 : SOON_DAYS * DAY_S;
	time_t at = now_s < from_s ? from_s : to_s;
	char text[400], date[40];
	struct tm tm;

	if (now_s >= from_s && to_s - now_s > soon_s)
		return;
	gmtime_r(&at, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (now_s < from_s)
		snprintf(text, sizeof text,
			"%.200s is valid from %s on: until then clients refuse it", name, date);
	else if (now_s >= to_s)
		snprintf(text, sizeof text,
			"%.200s expired %s: clients refuse it; put a new one there and reload",
			name, date);
	else
		snprintf(text, sizeof text,
			"%.200s expires %s: put a new one there and reload before that", name,
			date);
	each(arg, text);
}

void cert_validity(const struct cert_file *files, size_t count, const char *host, int64_t now_ms,
	void (*each)(void *arg, const char *text), void *arg)
{
	bool named = host == NULL || host[0] == '\0', any = false;
	char text[400];

	for (size_t i = 0; i < count; i++) {
		X509 *cert = first_of(files[i].pem);
		int64_t from_s, to_s;

		if (cert == NULL)
			continue;
		any = true;
		named = named || X509_check_host(cert, host, 0, 0, NULL) == 1;
		if (seconds_of(X509_get0_notBefore(cert), &from_s) &&
			seconds_of(X509_get0_notAfter(cert), &to_s))
			say(files[i].name, from_s, to_s, now_ms / 1000, each, arg);
		X509_free(cert);
	}
	if (!any || named)
		return;
	snprintf(text, sizeof text,
		"no certificate is for %.200s: clients that were told this name refuse it", host);
	each(arg, text);
}
