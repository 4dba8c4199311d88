/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The client's callers, and Redis: what was sent at one end, and what came of
 * it at the other.
 */

#ifndef T_REPLAY_CALLERS_H
#define T_REPLAY_CALLERS_H

#include "ngx_http_tlsrpt_redis.h"

#define MAX_ARGS  32                        /* of a command */

typedef enum {
    WAITS = 0,
    TOLD,
    LEFT
} outcome_e;

/* What a caller sent. */
typedef struct {
    char                   *name;
    size_t                  argc;
    char                   *argv[MAX_ARGS]; /* NUL ended, malloc() */
    const tlsrpt_script_t  *script;
    outcome_e               outcome;
    char                   *told;           /* what, in words */
    char                   *then;        /* what its handler does: a line */
} command_t;

/* What Redis was sent. */
typedef struct {
    size_t       argc;
    char        *argv[MAX_ARGS];
    int          named;                     /* by a line, or a caller's */
} received_t;

void callers_begin(void);

/* Nobody waits, and Redis was sent nothing of which the story does not tell. */
void callers_end(void);

command_t *callers_add(const char *name);
command_t *callers_find(const char *name);

/* Sends it.  What becomes of it is in its outcome. */
void callers_send(ngx_http_tlsrpt_redis_t *client, command_t *command);

/* Whoever waits does so no more, and must not be told. */
void callers_leave_all(void);

/* Looks at what was sent since, which must be whole commands, but for the last
   of a connection; is that a part of this one? */
void redis_receive(void);
int redis_has_part(const command_t *command);

/* What Redis was sent next, and whether it is this command; eval: by the text
   of the script. */
const received_t *redis_next(void);         /* fails if there is none */
const received_t *redis_peek(void);         /* NULL: none */
int redis_is(const received_t *r, const command_t *command, int eval);

#endif /* T_REPLAY_CALLERS_H */
