/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A body -> report -> commands: no crash and no leak, within the bounds, and
 * the same in any split.
 */

#include "fuzz.h"

#include "tlsrpt_collect.h"

#define MAX_SIZE  200000
#define NOW       1717200000

typedef struct {
    int       code;
    size_t    npolicies;
    size_t    ndomains;
    size_t    nwarnings;
    int64_t   start;
    uint64_t  digest;               /* of the commands */
} result_t;


static int
feed(void *object, const void *bytes, size_t len)
{
    return tlsrpt_reader_feed(object, bytes, len);
}


static tlsrpt_str_t
str(const char *s)
{
    tlsrpt_str_t  result = { s, strlen(s) };

    return result;
}


static uint64_t
digest(uint64_t sum, const tlsrpt_command_t *command)
{
    size_t  i;

    CHECK(command->script && command->key < command->argc);

    for (i = 0; i < command->argc; i++) {
        sum = sum * 31 + fuzz_seed((const uint8_t *) command->argv[i],
                                   command->argvlen[i]);
    }

    return sum;
}


static uint64_t
make_commands(const tlsrpt_report_t *report, const uint8_t *data, size_t size)
{
    uint64_t           sum = 0;
    unsigned           i;
    tlsrpt_ingest_t    ingest;
    tlsrpt_command_t  *command;

    memset(&ingest, 0, sizeof(ingest));
    ingest.prefix = str("tlsrpt");
    ingest.now = NOW;
    ingest.retention_days = 400;
    ingest.report_days = size & 1 ? 30 : 0;
    ingest.via = size & 2 ? TLSRPT_VIA_MAIL : TLSRPT_VIA_HTTPS;
    ingest.signer = str("signer.example");
    ingest.original.data = (const char *) data;
    ingest.original.len = size;

    for (i = 0; i < report->ndomains; i++) {
        command = tlsrpt_ingest_command(report, i, &ingest);
        CHECK(command != NULL);
        sum = digest(sum, command);
        tlsrpt_command_destroy(command);
    }

    return sum;
}


static void
check_report(const tlsrpt_report_t *report)
{
    size_t  i, ndetails = 0;

    CHECK(report->npolicies <= TLSRPT_MAX_POLICIES);
    CHECK(report->ndomains > 0 && report->ndomains <= TLSRPT_MAX_DOMAINS);
    CHECK(report->nwarnings <= TLSRPT_MAX_WARNINGS);

    for (i = 0; i < report->npolicies; i++) {
        CHECK(report->policies[i].domain < report->ndomains
              || report->policies[i].domain == TLSRPT_LEFT_OUT);
        CHECK(report->policies[i].successful <= TLSRPT_MAX_COUNT);
        CHECK(report->policies[i].failed <= TLSRPT_MAX_COUNT);
        ndetails += report->policies[i].ndetails;
    }

    CHECK(ndetails <= TLSRPT_MAX_DETAILS);
}


static void
check_warnings(const tlsrpt_report_t *report)
{
    json_t  *warnings = tlsrpt_report_warnings_json(report);

    CHECK(json_is_array(warnings));
    json_decref(warnings);
}


static void
run(tlsrpt_reader_t *reader, const uint8_t *data, size_t size, size_t limit,
    result_t *result)
{
    int                     rc;
    tlsrpt_error_t          error;
    const tlsrpt_report_t  *report = NULL;
    tlsrpt_reader_conf_t    conf = { .max_size = MAX_SIZE, .keep_text = 1,
                                     .domain = str("example.com") };

    memset(result, 0, sizeof(result_t));
    tlsrpt_reader_reset(reader, &conf);

    rc = limit != 0 ? fuzz_feed(reader, feed, data, size, limit)
                    : tlsrpt_reader_feed(reader, data, size);

    result->code = tlsrpt_reader_finish(reader, &report);
    CHECK(rc == TLSRPT_OK || rc == result->code);
    CHECK(result->code == tlsrpt_reader_error(reader)->code);

    if (result->code != TLSRPT_OK) {
        CHECK(*tlsrpt_error_text(result->code) != '\0');
        CHECK(tlsrpt_error_status(result->code) >= 400);
        return;
    }

    check_report(report);
    check_warnings(report);

    result->npolicies = report->npolicies;
    result->ndomains = report->ndomains;
    result->nwarnings = report->nwarnings + report->nwarnings_overflow;
    result->start = report->start;

    if (tlsrpt_report_check_range(report, NOW, 400, &error) == TLSRPT_OK) {
        result->digest = make_commands(report, data, size);
    }
}


static void
check_same(const result_t *a, const result_t *b)
{
    CHECK(a->code == b->code);
    CHECK(a->npolicies == b->npolicies);
    CHECK(a->ndomains == b->ndomains);
    CHECK(a->nwarnings == b->nwarnings);
    CHECK(a->start == b->start);
    CHECK(a->digest == b->digest);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static tlsrpt_reader_t  *reader;
    result_t                 whole, split;

    if (reader == NULL) {
        reader = tlsrpt_reader_create();
        CHECK(reader != NULL);
    }

    run(reader, data, size, 0, &whole);

    run(reader, data, size, 40, &split);
    check_same(&whole, &split);

    run(reader, data, size, 1, &split);
    check_same(&whole, &split);

    return 0;
}
