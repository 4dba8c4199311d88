/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The core: bytes -> text -> report -> fold -> commands, and back,
 * replies -> cells -> fold -> answer.  No sockets, no clock, no host.
 *
 * Ownership, as in jansson: what _create, _read or _command returns belongs to
 * the caller and is given back by the matching _destroy; every other pointer is
 * borrowed and lives as long as the object it was asked of.
 *
 * Strings are UTF-8, counted, and may hold any byte but NUL.
 * Days are days since 1970-01-01, UTC; times are seconds since then.
 */

#ifndef TLSRPT_CORE_H
#define TLSRPT_CORE_H

#include "tlsrpt_count.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_error.h"
#include "tlsrpt_str.h"
#include "tlsrpt_strings.h"

#pragma GCC visibility push(hidden)


/*
 * The report (RFC 8460 4.4), as sent but for what the warnings name.
 * Bounded: TLSRPT_MAX_..., and what a failure detail beyond them says is
 * counted in its policy's beyond.
 */

#define TLSRPT_MAX_POLICIES      1024
#define TLSRPT_MAX_DOMAINS       64       /* distinct policy domains */
#define TLSRPT_MAX_DETAILS       16384
#define TLSRPT_MAX_WARNINGS      64
#define TLSRPT_MAX_RANGE_DAYS    8

typedef struct {
    tlsrpt_str_t  result_type;              /* lower case */
    tlsrpt_str_t  sending_mta_ip;           /* canonical text */
    tlsrpt_str_t  receiving_mx_hostname;    /* A-labels, lower case */
    tlsrpt_str_t  receiving_mx_helo;
    tlsrpt_str_t  receiving_ip;
    tlsrpt_str_t  additional_information;
    tlsrpt_str_t  failure_reason_code;
    uint64_t      failed_session_count;
} tlsrpt_detail_t;

typedef struct {
    tlsrpt_str_t      policy_type;          /* lower case */
    tlsrpt_str_t      policy_domain;        /* A-labels, lower case */
    unsigned          domain;               /* index into the domains */
    tlsrpt_str_t     *policy_string;
    size_t            npolicy_string;
    tlsrpt_str_t     *mx_host;
    size_t            nmx_host;
    uint64_t          successful;           /* total-...-session-count */
    uint64_t          failure;
    tlsrpt_detail_t  *details;
    size_t            ndetails;
    uint64_t          beyond;               /* failed sessions of the details
                                               over the bound */
} tlsrpt_policy_t;

typedef struct {
    char          path[TLSRPT_PATH_LEN];
    const char   *section;                  /* "RFC 8460 4.4" */
    char          message[TLSRPT_DETAIL_LEN];
} tlsrpt_warning_t;

typedef struct {
    tlsrpt_str_t       organization_name;
    tlsrpt_str_t       contact_info;
    tlsrpt_str_t       report_id;
    int64_t            start;               /* seconds */
    int64_t            end;
    int32_t            day;                 /* the report counts on */
    tlsrpt_policy_t   *policies;
    size_t             npolicies;
    tlsrpt_str_t      *domains;             /* distinct, in order of mention */
    size_t             ndomains;
    tlsrpt_warning_t  *warnings;
    size_t             nwarnings;
    size_t             nwarnings_beyond;    /* not kept */
} tlsrpt_report_t;


/*
 * bytes -> report.  A reader may be used again and again (one a worker is
 * enough); what a big report took is given back at the next _reset.
 *
 * reset: before each report.
 * feed: any number of times, any split.  TLSRPT_OK, or the error, which stays.
 * finish: the end of the body; the report is borrowed, valid until _reset.
 */

typedef struct tlsrpt_reader tlsrpt_reader_t;

typedef struct {
    size_t        max_size;                 /* of the text, decompressed */
    tlsrpt_str_t  domain;                   /* of policies that name none, and
                                               of a report without policies;
                                               as typed or sent */
} tlsrpt_reader_conf_t;

tlsrpt_reader_t *tlsrpt_reader_create(void) TLSRPT_MUST_USE;
void tlsrpt_reader_destroy(tlsrpt_reader_t *reader);
void tlsrpt_reader_reset(tlsrpt_reader_t *reader,
    const tlsrpt_reader_conf_t *conf);
int tlsrpt_reader_feed(tlsrpt_reader_t *reader, const void *bytes, size_t len)
    TLSRPT_MUST_USE;
int tlsrpt_reader_finish(tlsrpt_reader_t *reader,
    const tlsrpt_report_t **report) TLSRPT_MUST_USE;
const tlsrpt_error_t *tlsrpt_reader_error(const tlsrpt_reader_t *reader);

/* Is the range one that can be counted: at most eight days, not in the future
   and not older than the retention?  TLSRPT_OK, or TLSRPT_ERR_RANGE with error
   filled. */
int tlsrpt_report_check_range(const tlsrpt_report_t *report, int64_t now,
    unsigned retention_days, tlsrpt_error_t *error) TLSRPT_MUST_USE;

/* For answers: the array of {"path","section","message"}; NULL: no memory. */
json_t *tlsrpt_report_warnings_json(const tlsrpt_report_t *report)
    TLSRPT_MUST_USE;


/*
 * report -> commands: one script call a report and policy domain, atomic and
 * idempotent.  keys first, then the arguments:
 *     EVALSHA tlsrpt_ingest_sha1 nkeys argv...
 * The command holds copies of all it needs.
 */

enum {
    TLSRPT_VIA_HTTPS = 0,
    TLSRPT_VIA_MAIL  = 1
};

typedef struct {
    tlsrpt_str_t  prefix;                   /* of every key */
    int64_t       now;
    unsigned      retention_days;
    unsigned      report_days;              /* 0: originals are not kept */
    unsigned      via;
    tlsrpt_str_t  signer;                   /* DKIM d= of a mailed report */
    tlsrpt_str_t  original;                 /* the body as it came */
} tlsrpt_ingest_t;

typedef struct {
    size_t        nkeys;
    size_t        argc;                     /* keys included */
    const char  **argv;
    size_t       *argvlen;
} tlsrpt_command_t;

tlsrpt_command_t *tlsrpt_ingest_command(const tlsrpt_report_t *report,
    unsigned domain, const tlsrpt_ingest_t *ingest) TLSRPT_MUST_USE;
void tlsrpt_command_destroy(tlsrpt_command_t *command);

/* Generated from shared/store/ingest.lua by the build. */
extern const char    tlsrpt_ingest_script[];
extern const size_t  tlsrpt_ingest_script_len;
extern const char    tlsrpt_ingest_sha1[41];

/* What the script's integer says. */
#define TLSRPT_INGEST_DUPLICATE  0
#define TLSRPT_INGEST_STORED     1
#define TLSRPT_INGEST_FIRST      2          /* stored, the first of its day */


/*
 * Replies, in the shape of RESP 2; the host's codec makes them.
 */

enum {
    TLSRPT_REPLY_NIL = 0,
    TLSRPT_REPLY_STRING,                    /* bulk or status */
    TLSRPT_REPLY_INTEGER,
    TLSRPT_REPLY_ARRAY,
    TLSRPT_REPLY_ERROR
};

typedef struct tlsrpt_reply  tlsrpt_reply_t;

struct tlsrpt_reply {
    int               type;
    long long         integer;
    const char       *str;                  /* string, error */
    size_t            len;
    size_t            nelements;
    tlsrpt_reply_t  **elements;
};

/* What an error reply means for a command that was sent. */
enum {
    TLSRPT_REPLY_OTHER = 0,                 /* will fail again as it is */
    TLSRPT_REPLY_NOSCRIPT,                  /* send the script itself */
    TLSRPT_REPLY_TRANSIENT,                 /* Redis cannot now: LOADING,
                                               BUSY, OOM, READONLY, ... */
    TLSRPT_REPLY_AUTH                       /* NOAUTH, WRONGPASS, NOPERM */
};

int tlsrpt_reply_error_class(const char *str, size_t len);


/*
 * What a reader asks of one domain: BASE/domains/D.
 */

#define TLSRPT_DIMENSION_MAP(XX)                                              \
    XX(DAY,          "day")                                                   \
    XX(ORGANIZATION, "organization-name")                                     \
    XX(POLICY_TYPE,  "policy-type")                                           \
    XX(VIA,          "via")                                                   \
    /* from here on: of the failure details */                                \
    XX(RESULT_TYPE,  "result-type")                                           \
    XX(SENDING_IP,   "sending-mta-ip")                                        \
    XX(MX,           "receiving-mx-hostname")                                 \
    XX(RECEIVING_IP, "receiving-ip")                                          \
    XX(REASON,       "failure-reason-code")

enum {
#define XX(name, text) TLSRPT_BY_##name,
    TLSRPT_DIMENSION_MAP(XX)
#undef XX
    TLSRPT_NDIMENSIONS
};

#define TLSRPT_BY_DETAIL  TLSRPT_BY_RESULT_TYPE     /* the first of them */

typedef struct {
    int32_t       from;                     /* days, both included */
    int32_t       to;
    unsigned      nby;
    unsigned char by[TLSRPT_NDIMENSIONS];
    unsigned      filtered;                 /* bit 1 << TLSRPT_BY_... */
    char          filter[TLSRPT_NDIMENSIONS][TLSRPT_MAX_STRING + 1];
    unsigned short filter_len[TLSRPT_NDIMENSIONS];  /* 0: not given (null) */
} tlsrpt_query_t;

/* The default range: 30 days up to that of now. */
void tlsrpt_query_init(tlsrpt_query_t *query, int64_t now);

/* One parameter of the query string, already unescaped.  TLSRPT_OK;
   TLSRPT_ERR_PARAMETER with error->path its name and error->detail the reason.
   check: after the last one. */
int tlsrpt_query_param(tlsrpt_query_t *query, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error) TLSRPT_MUST_USE;
int tlsrpt_query_check(const tlsrpt_query_t *query, tlsrpt_error_t *error)
    TLSRPT_MUST_USE;


/*
 * replies -> cells -> fold -> answer.
 *
 * create, then send each command of _next in any pipelining and give each
 * reply to _add with its number, in any order; then one answer.  Cells are
 * asked for only of the days that have reports.
 * _add: TLSRPT_OK or TLSRPT_ERR_MEMORY.
 */

typedef struct tlsrpt_stats tlsrpt_stats_t;

tlsrpt_stats_t *tlsrpt_stats_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_stats_destroy(tlsrpt_stats_t *stats);
/* The command is borrowed, and overwritten by the next call; n: its number.
   NULL: there is none, or none before another reply. */
const tlsrpt_command_t *tlsrpt_stats_next(tlsrpt_stats_t *stats, size_t *n);
int tlsrpt_stats_add(tlsrpt_stats_t *stats, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
/* Was the domain ever seen? */
int tlsrpt_stats_seen(const tlsrpt_stats_t *stats);

/* NULL: no memory.  The CSV is UTF-8, lines end in CRLF (RFC 4180); free(). */
json_t *tlsrpt_stats_json(tlsrpt_stats_t *stats) TLSRPT_MUST_USE;
char *tlsrpt_stats_csv(tlsrpt_stats_t *stats, size_t *len) TLSRPT_MUST_USE;


/*
 * One line of BASE/domains: the totals of one domain.  Its commands are known
 * at once: ncommands of them, in any order.
 */

typedef struct tlsrpt_totals tlsrpt_totals_t;

tlsrpt_totals_t *tlsrpt_totals_create(const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_totals_destroy(tlsrpt_totals_t *totals);
size_t tlsrpt_totals_ncommands(const tlsrpt_totals_t *totals);
const tlsrpt_command_t *tlsrpt_totals_command(tlsrpt_totals_t *totals,
    size_t n);
int tlsrpt_totals_add(tlsrpt_totals_t *totals, size_t n,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
/* Was the domain ever seen? */
int tlsrpt_totals_seen(const tlsrpt_totals_t *totals);
json_t *tlsrpt_totals_json(const tlsrpt_totals_t *totals) TLSRPT_MUST_USE;

/*
 * The index of the domains ever seen: a sorted set PREFIX:domains, all scores
 * 0, read by ZRANGEBYLEX.  It cannot share the domains' slots, and it may
 * outlive a domain's data: whoever reads it asks for the domain, too.
 *     ZADD PREFIX:domains 0 DOMAIN      with every ingest, before the script
 *     EXPIRE PREFIX:domains seconds     now and then: a day over the retention
 *     ZRANGEBYLEX PREFIX:domains (CURSOR + LIMIT 0 n
 */


/*
 * MTA-STS policies (RFC 8461 3.2).
 */

enum {
    MTA_STS_NONE = 0,
    MTA_STS_TESTING,
    MTA_STS_ENFORCE
};

#define MTA_STS_MAX_AGE     31557600
#define MTA_STS_MAX_MX      64
#define MTA_STS_MAX_SIZE    65536           /* of a policy text */

typedef struct {
    int       mode;
    uint32_t  max_age;                      /* seconds */
    size_t    nmx;
    char      mx[MTA_STS_MAX_MX][TLSRPT_DOMAIN_LEN + 3];    /* normalized,
                                               "*." kept, NUL ended */
} mta_sts_policy_t;

/* One finding on a policy or a record; is_error 0: advice.  at: line number
   of a policy, byte offset of a record. */
typedef void (*mta_sts_finding_pt)(void *ctx, int is_error, size_t at,
    const char *section, const char *message);

/* Reads a policy text; 0, or -1 after at least one is_error finding. */
int mta_sts_policy_parse(const char *text, size_t len, mta_sts_policy_t *policy,
    mta_sts_finding_pt finding, void *ctx) TLSRPT_MUST_USE;

/* The pieces, for directives: 0 or -1 with a reason, which lives until the
   thread's next one; with 0 too, where there is advice, else NULL. */
int mta_sts_policy_set_mode(mta_sts_policy_t *policy, const char *value,
    size_t len, const char **reason) TLSRPT_MUST_USE;
int mta_sts_policy_add_mx(mta_sts_policy_t *policy, const char *value,
    size_t len, const char **reason) TLSRPT_MUST_USE;
/* Whole-policy rules: mx required, max_age advice, ... 0 or -1. */
int mta_sts_policy_check(const mta_sts_policy_t *policy,
    mta_sts_finding_pt finding, void *ctx) TLSRPT_MUST_USE;

/* The text as served, CRLF lines, and its length; at most
   MTA_STS_MAX_SIZE bytes.  size 0: the length only. */
size_t mta_sts_policy_text(const mta_sts_policy_t *policy, char *buf,
    size_t size);

/* The id of the TXT record (RFC 8461 3.1): 1 to 32 letters and digits, from
   the policy's content alone; NUL ended. */
#define MTA_STS_ID_LEN  32
void mta_sts_policy_id(const mta_sts_policy_t *policy,
    char id[MTA_STS_ID_LEN + 1]);

/* Does the pattern cover the host (RFC 8461 4.1: "*." covers one label)? */
int mta_sts_mx_match(tlsrpt_str_t pattern, tlsrpt_str_t host);


#pragma GCC visibility pop

#endif /* TLSRPT_CORE_H */
