/* Vectorscan's streaming mode on the terms alone, as literals, caseless.
   vectorscan DIR SECONDS prints one JSON object, in the form of loadgo's Outcome. */
#define _POSIX_C_SOURCE 200809L
#include <hs/hs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double cpu(void) {
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double wall(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *must(void *p, const char *what) {
	if (!p) {
		fprintf(stderr, "vectorscan: %s\n", what);
		exit(1);
	}
	return p;
}

static char *slurp(const char *dir, const char *name, size_t *size) {
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = must(fopen(path, "rb"), path);
	fseek(f, 0, SEEK_END);
	*size = (size_t)ftell(f);
	rewind(f);
	char *data = must(malloc(*size + 1), "out of memory");
	if (fread(data, 1, *size, f) != *size) must(NULL, path);
	data[*size] = 0;
	fclose(f);
	return data;
}

static int hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *found) {
	(void)id, (void)from, (void)to, (void)flags;
	*(int *)found = 1;
	return 1; /* the stream is over */
}

static uint32_t number(const char **at) {
	uint32_t n;
	memcpy(&n, *at, 4); /* little-endian machines only, which run says */
	*at += 4;
	return n;
}

int main(int argc, char **argv) {
	if (argc != 3) must(NULL, "want DIR and SECONDS");
	size_t size;
	char *text = slurp(argv[1], "terms.txt", &size);
	unsigned n = 0, i = 0;
	for (size_t k = 0; k < size; k++) n += text[k] == '\n';
	const char **terms = must(calloc(n, sizeof *terms), "out of memory");
	unsigned *flags = must(calloc(n, sizeof *flags), "out of memory"), *ids = must(calloc(n, sizeof *ids), "out of memory");
	size_t *lengths = must(calloc(n, sizeof *lengths), "out of memory");
	for (char *line = strtok(text, "\n"); line && i < n; line = strtok(NULL, "\n"), i++) {
		terms[i] = line, lengths[i] = strlen(line), ids[i] = i, flags[i] = HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH;
	}
	hs_database_t *db;
	hs_compile_error_t *problem;
	if (hs_compile_lit_multi(terms, flags, ids, lengths, i, HS_MODE_STREAM, NULL, &db, &problem) != HS_SUCCESS) must(NULL, problem->message);
	hs_scratch_t *scratch = NULL;
	if (hs_alloc_scratch(db, &scratch) != HS_SUCCESS) must(NULL, "no scratch");

	const char *work = slurp(argv[1], "work.bin", &size), *at = work;
	uint32_t streams = number(&at), tokens = number(&at);
	const char *first = at;
	hs_stream_t **open = must(calloc(streams, sizeof *open), "out of memory");
	int *halted = must(calloc(streams, sizeof *halted), "out of memory");
	long *released = must(calloc(streams, sizeof *released), "out of memory"), *received = must(calloc(streams, sizeof *received), "out of memory");
	double used = 0, lasted = 0, enough = atof(argv[2]);
	long judged = 0;
	for (int pass = 0; pass < 2 || used < enough; pass++) { /* the first pass warms up */
		for (uint32_t s = 0; s < streams; s++) {
			if (open[s]) hs_close_stream(open[s], scratch, NULL, NULL);
			if (hs_open_stream(db, 0, &open[s]) != HS_SUCCESS) must(NULL, "no stream");
			halted[s] = 0, released[s] = 0, received[s] = 0;
		}
		double c = cpu(), w = wall();
		long count = 0;
		at = first;
		for (uint32_t k = 0; k < tokens; k++) {
			for (uint32_t s = 0; s < streams; s++) {
				uint32_t length = number(&at);
				if (!halted[s]) {
					hs_scan_stream(open[s], at, length, 0, scratch, hit, &halted[s]);
					count++, received[s] += length;
					if (!halted[s]) released[s] += length;
				}
				at += length;
			}
		}
		if (pass) used += cpu() - c, lasted += wall() - w, judged += count;
	}
	printf("{\"tokens\": %ld, \"cpu_seconds\": %f, \"wall_seconds\": %f, \"max_held_runes\": 0, \"released\": [", judged, used, lasted);
	for (uint32_t s = 0; s < streams; s++) printf("%s%ld", s ? ", " : "", released[s]);
	printf("], \"received\": [");
	for (uint32_t s = 0; s < streams; s++) printf("%s%ld", s ? ", " : "", received[s]);
	printf("], \"halted\": [");
	for (uint32_t s = 0; s < streams; s++) printf("%s%s", s ? ", " : "", halted[s] ? "true" : "false");
	printf("]}\n");
	return 0;
}
