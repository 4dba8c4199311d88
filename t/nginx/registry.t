# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Domains of the registry: what is written into Redis is served and accepted by
# every worker, without a reload.

use TLSRPT::Test;
use TLSRPT::Registry qw(enrol enrolment write_record token_of);

my $PATH = '/.well-known/mta-sts.txt';

my $t = servers(redis => 1, workers => 2, http => <<'END', server => <<"END");
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:1m;
    tlsrpt_report_uri https://reports.example/v1/tlsrpt
                      mailto:tlsrpt@reports.example;
    tlsrpt_domain .below.example token=below;
    tlsrpt_domain .open.example;
    tlsrpt_domain both.example token=mine;
    tlsrpt_domain bare.example;
    mta_sts_policy static.example mode=testing max_age=7d mx=mx.static.example;
END
        add_header X-Worker \$pid always;
        location = $PATH { mta_sts; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my $reports = 0;

sub policy { my ($domain) = @_; return $t->get($PATH, host => "mta-sts.$domain") }

sub post {
    my ($domain, $token) = @_;

    my $body = encode_json(report(domain => $domain,
                                  'report-id' => 'r' . ++$reports));
    return $t->post('/v1/tlsrpt' . (defined $token ? "/$token" : ''), $body);
}

sub soon { my ($check) = @_; return TLSRPT::Server::wait_until(20, $check) }

sub text {
    my ($domain, $mode) = @_;

    return "version: STSv1\r\nmode: $mode\r\nmx: mx.$domain\r\n"
        . "max_age: 604800\r\n";
}

# Does the check hold with each worker?
sub is_everywhere {
    my ($check, $name) = @_;

    my %by;
    for (1 .. 400) {
        my $answer = $check->();
        $by{$answer->{headers}{'x-worker'}} = $answer->{status};
        last if keys %by == 2;
    }

    return is_deeply [sort values %by], [200, 200], $name;
}

sub metric {
    my ($name) = @_;

    my ($value) = $t->get('/tlsrpt/metrics')->{body} =~ /^\Q$name\E (\S+)$/m;
    return $value;
}


# Empty

ok soon(sub { $t->get('/tlsrpt/health')->{json}{registry} }),
    'an empty registry is loaded';
is $t->get('/tlsrpt/health')->{status}, 200, 'and the node can work';
is policy('one.example')->{status}, 404, 'what it does not have';
is post('one.example', token_of('one.example'))->{status}, 404,
    'a token it does not have';

# Policies

enrol($t, 'one.example', owner => 'alice');
enrol($t, 'two.example', mode => 'testing', mx => ['mx.one.example']);
enrol($t, 'same.example', mode => undef, mx => undef, 'max-age' => undef,
      'same-as' => 'one.example', 'same-owner' => 'alice');
enrol($t, 'like-static.example', mode => undef, mx => undef,
      'max-age' => undef, 'same-as' => 'static.example');
enrol($t, 'plain.example', mode => undef, mx => undef, 'max-age' => undef);
enrol($t, 'leaving.example', state => 'leaving', ends => time + 1000,
      held => time + 1000);
write_record($t, 'waits.example', { pending => [
    enrolment('waits.example', state => undef, owner => 'alice',
              proved => undef),
    enrolment('waits.example', state => undef, owner => 'bob',
              proved => undef, token => token_of('waits.example', 'bob')),
] });

ok soon(sub { policy('nobody.example')->{status} == 404
              && policy('leaving.example')->{status} == 200
              && post('waits.example', token_of('waits.example'))->{status}
                 == 503 }), 'all are loaded';
is_everywhere sub { policy('one.example') }, 'by every worker';

my $get = policy('one.example');
is $get->{body}, text('one.example', 'enforce'), 'a policy';
is $get->{headers}{'content-type'}, 'text/plain; charset=utf-8', 'its type';
is $get->{headers}{'x-content-type-options'}, 'nosniff', 'nosniff';
is $t->request('HEAD', $PATH, host => 'mta-sts.one.example')->{status}, 200,
    'HEAD';
is policy('two.example')->{body}, text('one.example', 'testing'),
    'another mode';
is policy('same.example')->{body}, $get->{body}, 'same-as';
is policy('like-static.example')->{body}, text('static.example', 'testing'),
    'same-as one that is configured';
is policy('plain.example')->{status}, 404, 'without a policy';
is policy('leaving.example')->{body},
    "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n", 'leaving';
is policy('waits.example')->{status}, 404, 'pending';
is policy('static.example')->{body}, text('static.example', 'testing'),
    'a configured one';
is policy('none.example')->{status}, 404, 'unknown';

# Changes

enrol($t, 'one.example', owner => 'alice', mode => 'testing');
ok soon(sub { policy('one.example')->{body}
              eq text('one.example', 'testing') }), 'a policy changes';
is policy('same.example')->{body}, text('one.example', 'testing'),
    'and with it what is same-as it';
write_record($t, 'two.example', { left => time });
ok soon(sub { policy('two.example')->{status} == 404 }), 'one has left';
write_record($t, 'waits.example', { holder => enrolment('waits.example') });
ok soon(sub { policy('waits.example')->{status} == 200 }), 'one is proved';

# Reports

is post('one.example', token_of('one.example'))->{status}, 201, 'a token';
is post('one.example', uc token_of('one.example'))->{status}, 201,
    'in upper case';
is post('same.example', token_of('one.example'))->{status}, 403,
    'a token takes its domain';
is post('www.one.example', token_of('one.example'))->{status}, 403,
    'and none below it';
is post('one.example')->{status}, 403, 'without its token';
is post('plain.example', token_of('plain.example'))->{status}, 201,
    'without a policy';
is post('leaving.example', token_of('leaving.example'))->{status}, 201,
    'leaving';
is post('two.example', token_of('two.example'))->{status}, 404,
    'the token of one that has left';
is post('waits.example', token_of('waits.example', 'bob'))->{status}, 404,
    'a token that is given up';
is $t->counted('one.example'), 2, 'they count';

write_record($t, 'late.example', { pending => [
    enrolment('late.example', state => undef, owner => 'alice',
              proved => undef)] });
ok soon(sub { (post('late.example', token_of('late.example'))->{json}{detail}
               // '') =~ /not proved yet/ }), 'pending, at its own token';
ok post('late.example', token_of('late.example'))->{headers}{'retry-after'},
    'Retry-After';
is post('late.example')->{status}, 403, 'and without';

# Configuration

enrol($t, 'sub.below.example');
enrol($t, 'sub.open.example');
enrol($t, 'both.example');
enrol($t, 'bare.example');
enrol($t, 'static.example');
ok soon(sub { post('sub.open.example')->{status} == 403 }),
    '".NAME" takes none that is enrolled';
is post('sub.open.example', token_of('sub.open.example'))->{status}, 201,
    'but with its token';
is post('sub.below.example', 'below')->{status}, 403,
    'nor the token of ".NAME"';
is post('sub.below.example', token_of('sub.below.example'))->{status}, 201,
    'but its own';
is post('other.open.example')->{status}, 201, 'another below ".NAME"';
is post('other.below.example', 'below')->{status}, 201, 'and with its token';
is post('both.example', token_of('both.example'))->{status}, 404,
    'a configured token counts';
is post('both.example', 'mine')->{status}, 201, 'and is taken';
is post('bare.example')->{status}, 201, 'configured without a token';
is post('bare.example', token_of('bare.example'))->{status}, 201,
    'or with that of the registry';
is post('static.example')->{status}, 201, 'a configured policy';
is policy('static.example')->{body}, text('static.example', 'testing'),
    'counts';
like $t->error_log, qr/domain "\Q$_\E" is enrolled, and configured here/,
    "$_: told" for qw(sub.below.example both.example bare.example
                      static.example);
unlike $t->error_log, qr/domain "one\.example" is enrolled, and/,
    'others are not';

# What the API says

my $records = $t->get('/tlsrpt/domains/one.example/records');
is $records->{status}, 200, 'records';
my $token = token_of('one.example');
like $records->{body}, qr{https://reports\.example/v1/tlsrpt/$token},
    'with the URI of its token';
like $records->{body}, qr{mailto:tlsrpt\+$token\@reports\.example},
    'and the address';
like $records->{body}, qr{v=STSv1; id=}, 'and the policy';
is $t->get('/tlsrpt/domains/one.example/policy')->{json}{policy}{text},
    text('one.example', 'testing'), 'policy';
is $t->get('/tlsrpt/domains/nobody.example/policy')->{status}, 404,
    'of nobody';
is $t->get('/tlsrpt/domains/late.example/policy')->{status}, 404,
    'of one that waits';
is_deeply $t->get('/tlsrpt/health')->{json}{'zone-full'}, JSON::PP::false,
    'not full';

is metric('tlsrpt_registry_domains{state="pending"}'), 1, 'metrics: pending';
is metric('tlsrpt_registry_domains{state="leaving"}'), 1, 'leaving';
is metric('tlsrpt_registry_domains{state="active"}'), 10, 'active';
is metric('tlsrpt_registry_full'), 0, 'not full';
is metric('tlsrpt_registry_zone_bytes{state="used"}')
   + metric('tlsrpt_registry_zone_bytes{state="free"}'), 1024 * 1024,
    'the size of the zone';

unlike $t->error_log, qr/$token/, 'no token in the log';

done_testing;
