/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The reports of an incident (t/incidents/README), stored, and what Redis would
 * answer when its problems are asked for.
 */

#ifndef T_INCIDENT_H
#define T_INCIDENT_H

#include <stdlib.h>

#include "tap.h"
#include "kept.h"
#include "overview.h"
#include "check.h"
#include "report.h"

#define NDAYS     400                       /* of incidents the last is today */
#define LAST      (NDAYS - 1)
#define MAX_WORDS 64

typedef struct {
    char      *day_log;
    size_t     len;
    unsigned   reports;
    uint64_t   successful;
    uint64_t   failed;
    uint64_t   overflow;
    list_t     list;
} day_t;

typedef struct {
    char  name[32];
    char  string[1024];                     /* policy-string, mx-host */
} policy_t;

static day_t             days[NDAYS];
static int32_t           today;
static int32_t           first_day;         /* of days */
static int64_t           newest;            /* when the last report came */
static unsigned          nreports;
static policy_t          policies[8];
static size_t            npolicies;
static mta_sts_policy_t  served;
static int               is_served;
static int32_t           range[2];          /* days ago */
static tlsrpt_reader_t  *reader;
static json_t           *answer_json;
static const char       *file_name;
static unsigned          line_number;


static void
give_up(const char *what)
{
    printf("Bail out! %s:%u: %s\n", file_name, line_number, what);
    exit(1);
}


/*
 * Words of a line; quotes hold blanks together, \" is a quote
 */

static size_t
split(char *line, char *words[MAX_WORDS])
{
    size_t  n = 0;
    char   *to;

    while (*line) {
        while (*line == ' ') {
            line++;
        }

        if (*line == '\0' || *line == '#' || n == MAX_WORDS) {
            break;
        }

        words[n++] = to = line;

        for (int quoted = 0; *line && (quoted || *line != ' '); line++) {
            if (*line == '\\' && line[1] == '"') {
                *to++ = *++line;

            } else if (*line == '"') {
                quoted = !quoted;

            } else {
                *to++ = *line;
            }
        }

        line += *line == ' ';
        *to = '\0';
    }

    return n;
}


/*
 * Policies: "policy NAME MODE MX ..."
 */

__attribute__((unused))
static void
add_policy(char **words, size_t n)
{
    policy_t  *p = &policies[npolicies++];
    char       hosts[512] = "", lines[512] = "";

    if (n < 3 || npolicies == 8) {
        give_up("policy NAME MODE MX...");
    }

    for (size_t i = 3; i < n; i++) {
        size_t  h = strlen(hosts), l = strlen(lines);

        snprintf(hosts + h, sizeof(hosts) - h, "%s\"%s\"", h ? "," : "",
                 words[i]);
        snprintf(lines + l, sizeof(lines) - l, "\"mx: %s\",", words[i]);
    }

    snprintf(p->name, sizeof(p->name), "%s", words[1]);
    snprintf(p->string, sizeof(p->string),
             ",\"policy-string\":[\"version: STSv1\",\"mode: %s\",%.300s"
             "\"max_age: 604800\"],\"mx-host\":[%.400s]",
             words[2], lines, hosts);
}


__attribute__((unused))
static void
serve(char **words, size_t n)
{
    const char  *reason;

    memset(&served, 0, sizeof(served));
    served.max_age = 604800;
    is_served = 1;

    if (mta_sts_policy_set_mode(&served, words[1], strlen(words[1]), &reason)) {
        give_up("mode");
    }

    for (size_t i = 2; i < n; i++) {
        if (mta_sts_policy_add_mx(&served, words[i], strlen(words[i]), &reason))
        {
            give_up("mx");
        }
    }
}


/*
 * Reports: "DAYS SENDER WAY KIND OK [N*TYPE key=value ...] ..."
 */

static void
add_kind(char *text, size_t size, const char *kind)
{
    size_t  n = strlen(text);
    char   *colon = strchr(kind, ':');
    char    type[32];

    snprintf(type, sizeof(type), "%.*s",
             (int) (colon ? colon - kind : (int) strlen(kind)), kind);
    snprintf(text + n, size - n,
             "{\"policy\":{\"policy-type\":\"%s\",\"policy-domain\":"
             "\"example.com\"", strcmp(type, "none") == 0 ? "no-policy-found"
                                : type);

    for (size_t i = 0; colon != NULL && i < npolicies; i++) {
        if (strcmp(policies[i].name, colon + 1) == 0) {
            n = strlen(text);
            snprintf(text + n, size - n, "%s", policies[i].string);
        }
    }

    n = strlen(text);
    snprintf(text + n, size - n, "}");
}


static const char *
key_name(const char *key, size_t len)
{
    static const char *const  keys[][2] = {
        { "mx", "receiving-mx-hostname" }, { "ip", "sending-mta-ip" },
        { "to", "receiving-ip" }, { "reason", "failure-reason-code" }
    };

    for (size_t i = 0; i < 4; i++) {
        if (strlen(keys[i][0]) == len && memcmp(keys[i][0], key, len) == 0) {
            return keys[i][1];
        }
    }

    give_up(key);
    return NULL;
}


/* The details of one policy, up to "|"; how many words. */

static size_t
add_details(char *text, size_t size, char **words, size_t n, const char *ok)
{
    size_t              i = 0, len;
    unsigned            ndetails = 0;
    unsigned long long  failed = 0;
    char                details[4000] = "";

    for ( ; i < n && strcmp(words[i], "|") != 0; i++) {
        char  *star = strchr(words[i], '*'), *sign = strchr(words[i], '=');

        len = strlen(details);

        if (sign != NULL && star == NULL) {
            if (ndetails && len) {
                snprintf(details + len - 1, sizeof(details) - len + 1,
                         ",\"%s\":\"%s\"}",
                         key_name(words[i], (size_t) (sign - words[i])),
                         sign + 1);
            }
            continue;
        }

        if (star == NULL) {
            give_up(words[i]);
        }

        failed += strtoull(words[i], NULL, 10);

        if (strcmp(star, "*-") == 0) {
            continue;
        }

        snprintf(details + len, sizeof(details) - len, "%s{\"failed-session-"
                 "count\":%llu%s%s%s}", ndetails++ ? "," : "",
                 strtoull(words[i], NULL, 10),
                 star[1] ? ",\"result-type\":\"" : "", star + 1,
                 star[1] ? "\"" : "");
    }

    len = strlen(text);
    snprintf(text + len, size - len,
             ",\"summary\":{\"total-successful-session-count\":%s,"
             "\"total-failure-session-count\":%llu},\"failure-details\":[%s]}",
             ok, failed, details);

    return i;
}


static void
store(const char *text, int32_t day, const tlsrpt_ingest_t *conf, int is_full)
{
    size_t                  n;
    day_t                  *d = &days[day - first_day];
    const tlsrpt_report_t  *r = read_report(reader, text, strlen(text), NULL);
    tlsrpt_command_t       *c = r ? tlsrpt_ingest_command(r, 0, conf) : NULL;

    if (c == NULL || NKEYS(c) != 6) {
        give_up(text);
    }

    /* a log that is full takes long reports without their details */
    n = is_full && ARG_LEN(c, 2) ? 2 : 1;

    d->day_log = realloc(d->day_log, d->len + ARG_LEN(c, n));
    memcpy(d->day_log + d->len, ARG(c, n), ARG_LEN(c, n));
    d->len += ARG_LEN(c, n);
    d->reports++;
    d->successful += strtoull(ARG(c, 5), NULL, 10);
    d->failed += strtoull(ARG(c, 6), NULL, 10);

    if (d->list.n < LIST_MAX) {
        list_keep(&d->list, ARG(c, 11), ARG_LEN(c, 11), ARG(c, 12),
                  ARG_LEN(c, 12));
    }

    newest = conf->now > newest ? conf->now : newest;
    tlsrpt_command_destroy(c);
}


typedef struct {
    const char  *sender;
    int          mail;
    const char  *signer;
    const char  *contact;
    const char  *id;
    int32_t      came;                      /* days later */
    int          is_full;                   /* the day's log */
} head_t;

static void
add_report(int32_t ago, const head_t *h, char **words, size_t n)
{
    size_t            i = 0, len;
    char              date[TLSRPT_DAY_TEXT_LEN + 1], id[32];
    char              name[200] = "";
    static char       text[20000];
    const int32_t     day = today - ago;
    tlsrpt_ingest_t   conf = { .prefix = str("t"), .retention_days = 10000,
                               .report_days = 400 };

    tlsrpt_day_text(day, date);
    snprintf(id, sizeof(id), "r%u", nreports++);

    if (strcmp(h->sender, "-") != 0) {
        snprintf(name, sizeof(name), "\"organization-name\":\"%s\",",
                 h->sender);
    }

    snprintf(text, sizeof(text), "{%s\"report-id\":\"%s\",\"contact-info\":"
             "\"%s\",\"date-range\":{\"start-datetime\":\"%sT00:00:00Z\","
             "\"end-datetime\":\"%sT23:59:59Z\"},\"policies\":[", name,
             h->id ? h->id : id, h->contact, date, date);

    while (i + 1 < n) {
        add_kind(text, sizeof(text), words[i]);
        i += 2 + add_details(text, sizeof(text), words + i + 2, n - i - 2,
                             words[i + 1]);
        len = strlen(text);
        i += i < n;
        snprintf(text + len, sizeof(text) - len, "%s", i + 1 < n ? "," : "]}");
    }

    conf.now = ((int64_t) day + h->came) * TLSRPT_DAY + 3600;
    conf.via = h->mail ? TLSRPT_VIA_MAIL : TLSRPT_VIA_HTTPS;
    conf.signer = h->mail ? str(h->signer) : conf.signer;
    conf.original = str(text);
    store(text, day, &conf, h->is_full);
}


/* "9..1", "5", "9,7,5", "20..1w": on weekdays alone */

static void
each_day(const char *spec, const head_t *h, char **words, size_t n)
{
    char  *end;
    long   first, last;

    while (*spec) {
        first = last = strtol(spec, &end, 10);

        if (end == spec) {
            give_up(spec);
        }

        if (strncmp(end, "..", 2) == 0) {
            last = strtol(end + 2, &end, 10);
        }

        for (long ago = first; ago >= last; ago--) {
            /* 1970-01-01 was a Thursday */
            const int  weekday = (today - (int32_t) ago + 3) % 7;

            if (*end != 'w' || weekday < 5) {
                add_report((int32_t) ago, h, words, n);
            }
        }

        end += *end == 'w';
        spec = end + (*end == ',');
    }
}


static void
report(char **words, size_t n)
{
    char     contact[200], signer[200];
    head_t   h = { words[1], strcmp(words[2], "mail") == 0, signer, contact,
                   NULL, 1, 0 };
    size_t   i = 3;

    if (n < 5) {
        give_up("DAYS SENDER mail|post KIND OK...");
    }

    snprintf(signer, sizeof(signer), "%s", "sender.example");
    snprintf(contact, sizeof(contact), "%s", "tlsrpt@sender.example");

    for ( ; i < n; i++) {
        if (strncmp(words[i], "contact=", 8) == 0) {
            snprintf(contact, sizeof(contact), "%s", words[i] + 8);

        } else if (strncmp(words[i], "signer=", 7) == 0) {
            snprintf(signer, sizeof(signer), "%s", words[i] + 7);

        } else if (strncmp(words[i], "id=", 3) == 0) {
            h.id = words[i] + 3;

        } else if (strncmp(words[i], "came=", 5) == 0) {
            h.came = (int32_t) atoi(words[i] + 5);

        } else if (strcmp(words[i], "full") == 0) {
            h.is_full = 1;

        } else {
            break;
        }
    }

    each_day(words[0], &h, words + i, n - i);
}


/*
 * What Redis would answer
 */

static char            texts[2 * 31][TOTALS_SIZE];       /* of a month */
static tlsrpt_reply_t  replies[2 * 31], *elements[2 * 31];

static void
set_string(tlsrpt_reply_t *reply, const char *s, size_t len)
{
    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_STRING;
    reply->str = s;
    reply->len = len;
}


static void
set_array(tlsrpt_reply_t *reply, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        elements[i] = &replies[i];
    }

    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_ARRAY;
    reply->elements = elements;
    reply->nelements = n;
}


static void
answer_month(const char *date, tlsrpt_reply_t *reply)
{
    char    day[TLSRPT_DAY_TEXT_LEN + 1], words[96];
    size_t  n = 0;

    for (size_t i = 0; i < NDAYS; i++) {
        tlsrpt_day_text(first_day + (int32_t) i, day);

        if (days[i].reports == 0 || strncmp(date, day, 7) != 0) {
            continue;
        }

        snprintf(texts[n], sizeof(texts[n]), "%s", day + 8);
        snprintf(words, sizeof(words), "%u %llu %llu 0 %llu",
                 days[i].reports, (unsigned long long) days[i].successful,
                 (unsigned long long) days[i].failed,
                 (unsigned long long) days[i].overflow);
        set_string(&replies[n], texts[n], strlen(texts[n]));
        set_string(&replies[n + 1], texts[n + 1],
                   put_totals(texts[n + 1], words));
        n += 2;
    }

    set_array(reply, n);
}


static void
answer_day(const char *date, const tlsrpt_command_t *list,
    tlsrpt_reply_t *reply)
{
    int32_t       day;
    const day_t  *d;

    memset(reply, 0, sizeof(*reply));

    if (tlsrpt_day_parse(date, 10, &day) != 0) {
        abort();
    }

    day -= first_day;

    if (day < 0 || day >= NDAYS) {
        return;
    }

    d = &days[day];

    if (list != NULL) {
        list_range(&d->list, list, reply);

    } else if (d->day_log != NULL) {
        set_string(reply, d->day_log, d->len);
    }
}


static void
answer_all(tlsrpt_reply_t *reply)
{
    char         words[96];
    static char  text[TOTALS_SIZE];

    snprintf(words, sizeof(words), "%u 0 0 %lld", nreports, (long long) newest);
    memset(reply, 0, sizeof(*reply));

    if (nreports) {
        set_string(reply, text, put_totals(text, words));
    }
}


static tlsrpt_buf_t  kept;                  /* state, as it is in Redis */

static void
answer_state(tlsrpt_reply_t *reply)
{
    memset(reply, 0, sizeof(*reply));

    if (kept.len) {
        set_string(reply, kept.data, kept.len);
    }
}


/* What was seen, and what is served, as t/check has it; "": nothing. */

static char  seen_text[65536];
static char  versions_text[65536];


/* As HGETALL replies: "DAY STATUS", N of a domain, and NODE, "DAY DAY". */

#define MAX_PAIRS  32

typedef struct {
    tlsrpt_reply_t   items[2 * MAX_PAIRS];
    tlsrpt_reply_t  *elements[2 * MAX_PAIRS];
    char             texts[2 * MAX_PAIRS][64];
    size_t           n;
} pairs_t;

static pairs_t  fetches, nodes;


static void
add_pair(pairs_t *pairs, const char *field, const char *value)
{
    const char *const  both[] = { field, value };

    for (size_t i = 0; i < 2; i++, pairs->n++) {
        if (pairs->n == 2 * MAX_PAIRS) {
            give_up("too many pairs");
        }

        snprintf(pairs->texts[pairs->n], 64, "%s", both[i]);
        set_string(&pairs->items[pairs->n], pairs->texts[pairs->n],
                   strlen(both[i]));
        pairs->elements[pairs->n] = &pairs->items[pairs->n];
    }
}


static void
answer_pairs(tlsrpt_reply_t *reply, pairs_t *pairs)
{
    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_ARRAY;
    reply->elements = pairs->elements;
    reply->nelements = pairs->n;
}


/* "fetched AGO STATUS N" */

__attribute__((unused))
static void
fetch(char **words, size_t n)
{
    char  day[TLSRPT_DAY_TEXT_LEN + 1], field[64];

    if (n != 4) {
        give_up("fetched AGO STATUS N");
    }

    tlsrpt_day_text(today - (int32_t) atoi(words[1]), day);
    snprintf(field, sizeof(field), "%s %s", day, words[2]);
    add_pair(&fetches, field, words[3]);
}


/* "counted NODE FIRST LAST", days ago; it serves the domain, unless "other" is
   behind. */

__attribute__((unused))
static void
count_node(char **words, size_t n)
{
    char    first[TLSRPT_DAY_TEXT_LEN + 1], last[TLSRPT_DAY_TEXT_LEN + 1];
    char    value[64];
    size_t  len = strlen(versions_text);

    if (n != 4 && n != 5) {
        give_up("counted NODE FIRST LAST [other]");
    }

    tlsrpt_day_text(today - (int32_t) atoi(words[2]), first);
    tlsrpt_day_text(today - (int32_t) atoi(words[3]), last);
    snprintf(value, sizeof(value), "%s %s", first, last);
    add_pair(&nodes, words[1], value);

    if (n == 4) {
        snprintf(versions_text + (len ? len - 2 : 0),
                 sizeof(versions_text) - len,
                 "%s{\"node\":\"%s\"}]}", len ? "," : "{\"v\":1,"
                 "\"versions\":[],\"nodes\":[", words[1]);
    }
}


static void
answer_text(tlsrpt_reply_t *reply, const char *text)
{
    memset(reply, 0, sizeof(*reply));

    if (*text) {
        set_string(reply, text, strlen(text));
    }
}


static const tlsrpt_reply_t *
answer_to(const tlsrpt_command_t *c)
{
    const char             *key = key_of(c);
    const size_t            at = strlen("t:{example.com}:");
    static tlsrpt_reply_t   reply;

    if (strcmp(verb_of(c), "HGET") == 0) {
        answer_all(&reply);

    } else if (strcmp(key, "t:{checks}:nodes") == 0) {
        answer_pairs(&reply, &nodes);

    } else if (strcmp(key + at, "fetches") == 0) {
        answer_pairs(&reply, &fetches);

    } else if (strcmp(key + at, "problems") == 0) {
        answer_state(&reply);

    } else if (strcmp(key + at, "check") == 0) {
        answer_text(&reply, seen_text);

    } else if (strcmp(key + at, "served") == 0) {
        answer_text(&reply, versions_text);

    } else if (strstr(key, ":kept") != NULL) {
        answer_day(key + at, c, &reply);

    } else if (strcmp(verb_of(c), "HGETALL") == 0) {
        answer_month(key + at, &reply);

    } else {
        answer_day(key + at, NULL, &reply);
    }

    return beside(c, &reply);
}


static void
answer_all_of(tlsrpt_lookup_t *lookup)
{
    size_t                   n;
    const tlsrpt_command_t  *c;

    while ((c = lookup->type->next(lookup, &n)) != NULL) {
        if (lookup->type->add(lookup, n, answer_to(c)) != TLSRPT_OK) {
            abort();
        }
    }
}


static void
set_query(tlsrpt_query_t *query)
{
    tlsrpt_query_init(query, (int64_t) today * TLSRPT_DAY + 43200);
    query->from = today - range[0];
    query->to = today - range[1];
}


__attribute__((unused))
static json_t *
ask_problems(void)
{
    tlsrpt_query_t    query;
    tlsrpt_lookup_t  *lookup;

    set_query(&query);
    lookup = tlsrpt_problems_create(&query, str("example.com"), str("t"),
                                    is_served ? &served : NULL, today);
    answer_all_of(lookup);
    json_decref(answer_json);
    answer_json = lookup->type->json(lookup);
    lookup->type->destroy(lookup);

    return json_object_get(answer_json, "problems");
}


/*
 * What must be said
 */

/* A member as text; steps: their text and commands. */

static const char *
text_of(const json_t *p, const char *name)
{
    static char    text[20000];
    const json_t  *value = json_object_get(p, name);
    char          *dump;
    const char    *run;

    if (strcmp(name, "attack") == 0) {
        value = json_object_get(p, "possible-attack");

    } else if (strcmp(name, "lost") == 0) {
        value = json_object_get(p, "lost-mail");

    } else if (strcmp(name, "cause") == 0) {
        value = json_object_get(p, "likely-cause");

    } else if (strcmp(name, "count") == 0) {
        value = json_object_get(p, "failed-session-count");

    } else if (strncmp(name, "step", 4) == 0 && name[4] >= '1'
               && name[4] <= '9')
    {
        value = json_array_get(json_object_get(p, "steps"),
                               (size_t) (name[4] - '1'));
        run = json_string_value(json_object_get(value, "command"));
        snprintf(text, sizeof(text), "%s%s%s", value != NULL
                 ? json_string_value(json_object_get(value, "text")) : "(none)",
                 run ? " $ " : "", run ? run : "");

        return text;
    }

    if (json_is_string(value)) {
        return json_string_value(value);
    }

    dump = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, sizeof(text), "%s", dump ? dump : "(none)");
    free(dump);

    return text;
}


static json_t *
find_problem(json_t *problems, const char *which)
{
    size_t   i;
    json_t  *p;

    if (*which >= '1' && *which <= '9') {
        return json_array_get(problems, (size_t) atoi(which) - 1);
    }

    json_array_foreach(problems, i, p) {
        if (strcmp(text_of(p, "result-type"), which) == 0) {
            return p;
        }
    }

    return NULL;
}


static void
check(const json_t *p, const char *name, const char *how, const char *what)
{
    int          passed = 0;
    const char  *text = text_of(p, name);

    if (strcmp(how, "has") == 0) {
        passed = strstr(text, what) != NULL;

    } else if (strcmp(how, "lacks") == 0) {
        passed = strstr(text, what) == NULL && strcmp(text, "(none)") != 0;

    } else if (strcmp(how, "is") == 0) {
        passed = strcmp(text, what) == 0;

    } else if (strcmp(how, "begins") == 0) {
        passed = strncmp(text, what, strlen(what)) == 0;

    } else {
        give_up(how);
    }

    if (!ok(passed, "%s:%u: %s %s %s", file_name, line_number, name, how, what))
    {
        tap_show(" got", text);
    }
}


/* "problems N", "of TYPE|N" (what follows is of it), "NAME has|lacks|is|begins
   TEXT" */

__attribute__((unused))
static void
expect(json_t *problems, const json_t **p, char **words, size_t n)
{
    if (n == 2 && strcmp(words[0], "problems") == 0) {
        is_int((long long) json_array_size(problems), atoi(words[1]),
               "%s:%u: problems", file_name, line_number);

    } else if (n == 2 && strcmp(words[0], "of") == 0) {
        *p = find_problem(problems, words[1]);
        ok(*p != NULL, "%s:%u: of %s", file_name, line_number, words[1]);

    } else if (n == 3) {
        check(*p, words[0], words[1], words[2]);

    } else {
        give_up("NAME has|lacks|is|begins TEXT");
    }
}


/*
 * Nothing has happened yet
 */

static void
begin(int32_t day, int32_t before)
{
    for (size_t i = 0; i < NDAYS; i++) {
        list_free(&days[i].list);
        free(days[i].day_log);
    }

    memset(days, 0, sizeof(days));
    newest = 0;
    nreports = 0;
    kept.len = 0;
    npolicies = 0;
    is_served = 0;
    seen_text[0] = '\0';
    versions_text[0] = '\0';
    fetches.n = 0;
    nodes.n = 0;
    range[0] = 29;
    range[1] = 0;
    today = day;
    first_day = day - before;
}

#endif /* T_INCIDENT_H */
