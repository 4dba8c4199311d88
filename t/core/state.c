/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The problems of a domain as they are kept: what is written reads back, in few
 * bytes; so does what was ever written; what is newer is left alone; anything
 * else is as if nothing were kept.  WRITE=1 in the environment writes the form
 * that there is now, where there is no file of it.
 */

#include <stdlib.h>

#include "tap.h"
#include "tlsrpt_state.h"
#include "tlsrpt_zstd.h"

static tlsrpt_state_t  state;


static tlsrpt_reply_t
reply_of(const char *bytes, size_t len)
{
    tlsrpt_reply_t  reply = { TLSRPT_REPLY_STRING, 0, bytes, len, 0, NULL };

    return reply;
}


static void
read_bytes(const char *bytes, size_t len)
{
    tlsrpt_reply_t  reply;
    char           *copy = malloc(len ? len : 1);    /* its end: for ASan */

    tlsrpt_state_free(&state);
    memcpy(copy, bytes, len);
    reply = reply_of(copy, len);
    is_int(tlsrpt_state_read(&reply, &state), 0, "it is read");
    free(copy);
}


static tlsrpt_buf_t
written(const json_t *json)
{
    tlsrpt_buf_t  out = { NULL, 0, 0, 0 };

    is_int(tlsrpt_state_write(json, &out), 0, "a state is written");

    return out;
}


static int
is_nothing(void)
{
    return state.json == NULL && state.rules == 0 && !state.newer;
}


static json_t *
entry(const char *type, const char *severity, const char *lost,
    const char *opened)
{
    char  title[300];

    snprintf(title, sizeof(title), "The certificate of mx.example.com: %s",
             type);

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s,"
                     " s:{s:s, s:s, s:s, s:[s], s:[{s:s}], s:[]}}",
                     "type", type, "cause", "mx.example.com",
                     "id", "0123456789abcdef", "opened", opened,
                     "severity", severity, "lost", lost, "problem",
                     "result-type", type, "severity", severity,
                     "title", title, "organization-names", "Example Inc.",
                     "steps", "text", "Renew the certificate.", "by-day");
}


static json_t *
state_of(json_t *open)
{
    return json_pack("{s:o, s:[], s:[]}", "open", open, "past", "waiting");
}


/*
 * Back and forth
 */

static void
test_back_and_forth(void)
{
    json_t        *json = json_pack("{s:[o], s:[{s:s}], s:[{s:i}]}",
                        "open", entry("certificate-expired", "high", "yes",
                                      "2026-01-10"),
                        "past", "type", "tlsa-invalid",
                        "waiting", "since", 1768000000);
    tlsrpt_buf_t   bytes = written(json);

    ok(bytes.len < 300, "in %zu bytes", bytes.len);
    ok(bytes.len > 4 && memcmp(bytes.data, "1 1\n", 4) == 0, "its head");

    read_bytes(bytes.data, bytes.len);
    ok(json_equal(state.json, json), "it is the same");
    is_int(state.rules, TLSRPT_STATE_RULES, "its rules");
    is_int(state.newer, 0, "it is ours");
    is_int((long long) tlsrpt_state_nopen(&state), 1, "a problem is open");

    json_decref(json);
    tlsrpt_buf_free(&bytes);
}


static void
test_mark(void)
{
    unsigned        rules, open;
    tlsrpt_reply_t  reply = reply_of("12 3", 4);
    tlsrpt_reply_t  nil = { TLSRPT_REPLY_NIL, 0, NULL, 0, 0, NULL };
    static const char *const  broken[] = {
        "", "1", "1 ", " 1", "1 x", "x 1", "1 1 ", "1 1 1", "-1 1", "1  1"
    };

    is_int(tlsrpt_state_mark(&reply, &rules, &open), 0, "a mark");
    is_int(rules, 12, "its rules");
    is_int(open, 3, "problems that are open");

    reply = reply_of("1 0", 3);
    is_int(tlsrpt_state_mark(&reply, &rules, &open), 0, "a mark");
    is_int(open, 0, "none is open");

    is_int(tlsrpt_state_mark(&nil, &rules, &open), -1, "no mark");

    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        rules = open = 7;
        reply = reply_of(broken[i], strlen(broken[i]));
        is_int(tlsrpt_state_mark(&reply, &rules, &open), -1,
               "\"%s\" is none", broken[i]);
        ok(rules == 0 && open == 0, "and says nothing");
    }
}


static void
test_get(void)
{
    tlsrpt_key_read_t        read;
    const tlsrpt_command_t  *c = tlsrpt_state_get(&read,
                                     (tlsrpt_str_t) { "t", 1 },
                                     (tlsrpt_str_t) { "example.com", 11 });

    is_str(c->argv[0], "GET", "a command that reads it");
    is_str(c->argv[1], "t:{example.com}:problems", "its key");
}


/* Each form in which states were ever written: a file of it, and beside it what
   it says. */

#define FORMS  "t/fixtures/kept/state-"

static void
write_form(const char *path, const json_t *json)
{
    FILE          *file = fopen(path, "wx");
    tlsrpt_buf_t   bytes = { NULL, 0, 0, 0 };

    if (file != NULL) {
        if (tlsrpt_state_write(json, &bytes) != 0
            || fwrite(bytes.data, 1, bytes.len, file) != bytes.len)
        {
            abort();
        }

        fclose(file);
        tlsrpt_buf_free(&bytes);
    }
}


static void
test_forms(void)
{
    char     path[100], bytes[4096];
    FILE    *file;
    size_t   len;
    json_t  *json;

    for (unsigned n = 1; n <= TLSRPT_ZSTD_PROBLEMS; n++) {
        snprintf(path, sizeof(path), FORMS "%u.json", n);
        json = json_load_file(path, 0, NULL);
        snprintf(path, sizeof(path), FORMS "%u", n);

        if (getenv("WRITE") != NULL) {
            write_form(path, json);
        }

        file = fopen(path, "r");

        if (!ok(json != NULL && file != NULL, "form %u", n)) {
            continue;
        }

        len = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        read_bytes(bytes, len);
        ok(json_equal(state.json, json), "it says what it said");
        json_decref(json);
    }
}


/*
 * Nothing, newer, broken
 */

static void
test_nothing(void)
{
    tlsrpt_reply_t  nil = { TLSRPT_REPLY_NIL, 0, NULL, 0, 0, NULL };

    tlsrpt_state_free(&state);
    is_int(tlsrpt_state_read(&nil, &state), 0, "no key");
    ok(is_nothing(), "is nothing");
    is_int((long long) tlsrpt_state_nopen(&state), 0, "none is open");
    ok(tlsrpt_state_worst(&state) == NULL, "none is the worst");
    is_str(tlsrpt_state_lost(&state), "no", "no mail is lost");
}


/* A frame of this text with a head of ours. */

static void
read_text(const char *text, const char *name)
{
    tlsrpt_buf_t  out = { NULL, 0, 0, 0 };

    tlsrpt_buf_add(&out, "1 1\n", 4);

    if (tlsrpt_zstd_pack_problems(&out, text, strlen(text)) != 0) {
        abort();
    }

    read_bytes(out.data, out.len);
    ok(is_nothing(), "%s is nothing", name);
    tlsrpt_buf_free(&out);
}


static void
test_heads(void)
{
    static const char *const  nothing[] = {
        "", "1", "1 ", "1 1", "1 0\n", "0 1\n", " 1 1\n", "1  1\n", "x", "1\n",
        "1 x\n", "{}", "-1 1\n", "1 1\n", "1 1\nxyz"
    };
    static const char *const  newer[] = {
        "1 2\n", "2 1\n", "1 12\nwhatever", "2 ", "99 of another kind"
    };

    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        read_bytes(nothing[i], strlen(nothing[i]));
        ok(is_nothing(), "\"%s\" is nothing", nothing[i]);
    }

    for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++) {
        read_bytes(newer[i], strlen(newer[i]));
        ok(state.newer && state.json == NULL, "\"%s\" is newer", newer[i]);
    }
}


/* More entries than there may be. */

static void
test_too_many(void)
{
    char            text[8192];
    const unsigned  max[] = { TLSRPT_STATE_OPEN, TLSRPT_STATE_PAST,
                              TLSRPT_STATE_WAITING, TLSRPT_STATE_SENDERS };
    const char *const  names[] = { "open", "past", "waiting", "senders" };

    for (unsigned which = 0; which < 4; which++) {
        strcpy(text, "{");

        for (unsigned i = 0; i < 4; i++) {
            snprintf(text + strlen(text), 20, "%s\"%s\":[", i ? "," : "",
                     names[i]);

            for (unsigned n = 0; i == which && n < max[i] + 1; n++) {
                strcat(text, n ? ",{}" : "{}");
            }

            strcat(text, "]");
        }

        strcat(text, "}");
        read_text(text, "a list that is too long");
    }
}


static void
test_broken(void)
{
    size_t        i, n = 0;
    json_t       *json = state_of(json_pack("[o]", entry("tlsa-invalid",
                                    "medium", "perhaps", "2026-01-10")));
    tlsrpt_buf_t  bytes = written(json);

    for (i = 0; i < bytes.len; i++) {
        tlsrpt_reply_t  reply;
        char           *copy = malloc(i ? i : 1);

        memcpy(copy, bytes.data, i);
        reply = reply_of(copy, i);
        tlsrpt_state_free(&state);
        n += tlsrpt_state_read(&reply, &state) == 0 && is_nothing();
        free(copy);
    }

    is_int((long long) n, (long long) bytes.len, "cut anywhere, it is nothing");

    /* any bit: whatever it reads as, it is sound */
    for (i = 32; i < 8 * bytes.len; i++) {
        tlsrpt_reply_t  reply = reply_of(bytes.data, bytes.len);

        bytes.data[i / 8] ^= (char) (1 << i % 8);
        tlsrpt_state_free(&state);

        if (tlsrpt_state_read(&reply, &state) != 0
            || tlsrpt_state_nopen(&state) > TLSRPT_STATE_OPEN)
        {
            break;
        }

        (void) tlsrpt_state_worst(&state);
        bytes.data[i / 8] ^= (char) (1 << i % 8);
    }

    is_int((long long) i, (long long) (8 * bytes.len), "with any bit turned");

    read_text("[]", "an array");
    read_text("{}", "an object without lists");
    read_text("{\"open\":[],\"past\":[]}", "one without one of them");
    read_text("{\"open\":{},\"past\":[],\"waiting\":[]}", "no list");
    read_text("{\"open\":[1],\"past\":[],\"waiting\":[]}", "no entry");
    read_text("{\"open\":[],\"past\":[],\"waiting\":[]", "broken JSON");
    read_text("{\"open\":[],\"past\":[],\"waiting\":[]} x", "more than JSON");
    test_too_many();

    tlsrpt_buf_free(&bytes);
    json_decref(json);
}


/*
 * Long ones
 */

static json_t *
names(size_t n)
{
    char     name[200];
    json_t  *array = json_array();

    for (size_t i = 0; i < n; i++) {
        memset(name, 'a' + (int) (i % 26), sizeof(name) - 1);
        snprintf(name, 20, "%zu", i);
        name[strlen(name)] = '-';
        name[sizeof(name) - 1] = '\0';
        json_array_append_new(array, json_string(name));
    }

    return array;
}


static void
test_long(void)
{
    json_t        *json, *open = json_array(), *problem;
    tlsrpt_buf_t   bytes;

    for (size_t i = 0; i < TLSRPT_STATE_OPEN; i++) {
        json = entry("tlsa-invalid", "medium", "no", "2026-01-10");
        problem = json_object_get(json, "problem");
        json_object_set_new(problem, "sending-mta-ips", names(50));
        json_object_set_new(problem, "organization-names", names(50));
        json_object_set_new(problem, "steps", names(5));
        json_array_append_new(open, json);
    }

    json = state_of(open);
    bytes = written(json);
    read_bytes(bytes.data, bytes.len);
    is_int((long long) tlsrpt_state_nopen(&state), TLSRPT_STATE_OPEN,
           "one that is too long keeps its problems");
    problem = json_object_get(json_array_get(json_object_get(state.json,
                  "open"), 15), "problem");
    is_int((long long) json_array_size(json_object_get(problem,
               "sending-mta-ips")), 3, "lists within them are short");
    is_int((long long) json_array_size(json_object_get(problem, "steps")), 5,
           "but not what is to be done");
    ok(json_array_size(json_object_get(json_object_get(json_array_get(open, 0),
           "problem"), "sending-mta-ips")) == 50, "the one given stays");
    tlsrpt_buf_free(&bytes);
    json_decref(json);
}


/* A frame that says, or has, more than a state may have. */

static void
test_bomb(void)
{
    size_t        len = 64 * 1024 * 1024;
    char         *text = malloc(len);
    tlsrpt_buf_t  out = { NULL, 0, 0, 0 };

    memset(text, ' ', len);
    memcpy(text, "{\"open\":[],\"past\":[],\"waiting\":[]}", 34);
    tlsrpt_buf_add(&out, "1 1\n", 4);
    is_int(tlsrpt_zstd_pack_problems(&out, text, len), 0, "a bomb");
    ok(out.len < 65536, "of %zu bytes", out.len);
    read_bytes(out.data, out.len);
    ok(is_nothing(), "is nothing");

    tlsrpt_buf_free(&out);
    free(text);
}


/*
 * What lists show
 */

static void
worst_is(json_t *open, const char *type, const char *lost, const char *name)
{
    const json_t  *worst;

    tlsrpt_state_free(&state);
    state.json = state_of(open);
    worst = tlsrpt_state_worst(&state);

    is_str(json_string_value(json_object_get(worst, "type")), type, "%s",
           name);
    is_str(tlsrpt_state_lost(&state), lost, "and the mail");
}


static json_t *
counted(const char *type, const char *opened, int sessions)
{
    json_t  *e = entry(type, "high", "no", opened);

    json_object_set_new(json_object_get(e, "problem"), "failed-session-count",
                        json_integer(sessions));

    return e;
}


static void
test_worst(void)
{
    json_t  *e = entry("a", "high", "yes", "2026-01-01");

    is_int(tlsrpt_state_severity(e), 3, "high");
    is_str(tlsrpt_state_title(e), "The certificate of mx.example.com: a",
           "its title");
    json_object_set_new(e, "severity", json_string("medium"));
    is_int(tlsrpt_state_severity(e), 2, "medium");
    json_object_set_new(e, "severity", json_string("low"));
    is_int(tlsrpt_state_severity(e), 1, "low");
    json_object_set_new(e, "severity", json_integer(3));
    is_int(tlsrpt_state_severity(e), 0, "neither");
    json_object_del(e, "problem");
    is_str(tlsrpt_state_title(e), "", "no title");
    json_decref(e);

    worst_is(json_pack("[o, o]", entry("a", "medium", "yes", "2026-01-01"),
                       entry("b", "high", "no", "2026-01-02")),
             "b", "yes", "by severity");
    worst_is(json_pack("[o, o]", entry("a", "high", "no", "2026-01-01"),
                       entry("b", "high", "perhaps", "2026-01-02")),
             "b", "perhaps", "by mail lost");
    worst_is(json_pack("[o, o]", entry("a", "high", "no", "2026-01-02"),
                       entry("b", "high", "no", "2026-01-01")),
             "b", "no", "the oldest");
    worst_is(json_pack("[o, o]", counted("a", "2026-01-01", 900),
                       counted("b", "2026-01-02", 12000)),
             "b", "no", "by sessions, before that");
    worst_is(json_pack("[{}, o]", entry("b", "low", "no", "2026-01-01")),
             "b", "no", "an entry without members");
}


int
main(void)
{
    test_back_and_forth();
    test_forms();
    test_mark();
    test_get();
    test_nothing();
    test_heads();
    test_broken();
    test_long();
    test_bomb();
    test_worst();
    tlsrpt_state_free(&state);

    return done();
}
