# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What the last check saw, beside what is to be published: BASE/domains/D/records
# and BASE/domains/D/setup.

use POSIX qw(strftime);

use TLSRPT::Test;
use TLSRPT::Registry qw(enrolment write_record);

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_registry on zone=reg:1m;
    tlsrpt_report_uri mailto:tlsrpt@reports.example;
    tlsrpt_domain a.example;
    mta_sts_policy a.example mode=testing max_age=7d mx=mx.a.example;
    mta_sts_policy b.example mode=enforce max_age=7d mx=mx.b.example;
    tlsrpt_domain bare.example;
END
        location = /.well-known/mta-sts.txt { mta_sts; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        location /owner/ { tlsrpt_stats; tlsrpt_scope @owner; }
END

my $now = time;

sub get { return $t->get("/tlsrpt/domains/$_[0]") }
sub json { return decode_json(get($_[0])->{body}) }

sub records {
    my ($domain) = @_;
    return { map { $_->{name} =~ /^(.*)\.\Q$domain\E$/ ? ($1 => $_) : () }
             @{ json("$domain/records")->{records} } };
}

sub steps {
    my ($domain) = @_;
    return { map { ($_->{step} => $_) } @{ json("$domain/setup")->{steps} } };
}

sub states { my ($s) = @_; return { map { ($_ => $s->{$_}{state}) } keys %$s } }

sub seen {
    my ($domain, %seen) = @_;

    $t->redis('SET', "tlsrpt:{$domain}:check",
              encode_json({ v => 1, at => $now, changed => $now, %seen }));
    return;
}

sub look { return { at => $now, since => $now, txt => [@_] } }

# Nobody looked

is_deeply states(records('a.example')),
    { '_smtp._tls' => 'unknown', '_mta-sts' => 'unknown' }, 'never looked';
is records('a.example')->{'_mta-sts'}{checked}, undef, 'and not checked';
my %want = map { ($_ => records('a.example')->{$_}{value}) }
    '_smtp._tls', '_mta-sts';
is_deeply states(steps('a.example')), {
    'reporting-record' => 'unknown', 'first-report' => 'todo',
    'policy-served' => 'done', 'policy-host' => 'unknown',
    'sts-record' => 'unknown', 'days-clean' => 'todo', 'enforce' => 'todo',
}, 'the steps, before anybody looked';
is_deeply [map { $_->{step} } @{ json('a.example/setup')->{steps} }],
    [qw(reporting-record first-report policy-served policy-host sts-record
        days-clean enforce)], 'in this order';

# As it should be, with an address of another beside ours

my $more = "$want{'_smtp._tls'},mailto:other\@other.example";
seen('a.example', reporting => look($more, 'unrelated'),
     sts => look($want{'_mta-sts'}),
     policy => { at => $now, since => $now, result => 'ok' });
my $r = records('a.example');
is_deeply states($r),
    { '_smtp._tls' => 'published', '_mta-sts' => 'published' }, 'published';
is_deeply $r->{'_smtp._tls'}{found}, [$more], 'what was found';
like $r->{'_smtp._tls'}{checked}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'when';
is steps('a.example')->{'policy-host'}{state}, 'done', 'the policy host';
is steps('a.example')->{'sts-record'}{record}{value}, $want{'_mta-sts'},
    'a step has its record';

# As it should not be

seen('a.example', reporting => look('v=TLSRPTv1; rua=mailto:x@other.example'),
     sts => look('v=STSv1; id=old'),
     policy => { at => $now, since => $now, result => 'status', status => 403,
                 detail => 'HTTP 403' });
is_deeply states(records('a.example')),
    { '_smtp._tls' => 'different', '_mta-sts' => 'different' }, 'different';
is steps('a.example')->{'policy-host'}{state}, 'wrong', 'no policy to be had';
like steps('a.example')->{'policy-host'}{text}, qr/status 403/, 'and why';
unlike steps('a.example')->{'policy-host'}{text}, qr/: status/,
    'in words, not as it was noted';

seen('a.example', reporting => look(), sts => look('v=STSv1; id=1',
                                                   'v=STSv1; id=2'));
is_deeply states(records('a.example')),
    { '_smtp._tls' => 'missing', '_mta-sts' => 'several' },
    'missing; several';
is steps('a.example')->{'reporting-record'}{state}, 'todo', 'to be published';
is steps('a.example')->{'sts-record'}{state}, 'wrong', 'to be corrected';

# The policy: its id in DNS, then what its host answers

my $policy = json('a.example/policy')->{policy};

# state, then why
sub published {
    my ($dns, %seen) = @_;

    seen('a.example', sts => look(@$dns),
         policy => { at => $now, since => $now, %seen });
    my $published = json('a.example/policy')->{published};
    return join ': ', map { $_ // () } @$published{'state', 'reason'};
}

my @id = ("v=STSv1;id=$policy->{id}");      # a blank less than ours

is published(\@id, result => 'ok', status => 200, text => $policy->{text}),
    'published', 'as it is served, by a record that is written otherwise';
like published(\@id, result => 'ok', status => 200,
               text => $policy->{text} =~ s/testing/enforce/r),
    qr/^different: Another policy is published/, 'its host answers with another';
like published(\@id, result => 'status', status => 404),
    qr/^missing: .*status 404/, 'with none';
like published(['v=STSv1; id=old'], result => 'ok', text => $policy->{text}),
    qr/^different: Its id/, 'another id in DNS';
like published([], result => 'status', status => 404), qr/^missing: DNS/,
    'no record';
like published(['v=STSv1; id=old'], result => 'unknown'), qr/^different: Its/,
    'what is wrong is told, though nobody could ask its host';
like published(\@id, result => 'unknown'), qr/^unknown: No check/,
    'nobody could look';
is json('bare.example/policy')->{published}, undef, 'where none is served';

# What is not known

seen('a.example', sts => look($want{'_mta-sts'}),
     reporting => { at => $now, since => $now, txt => [$want{'_smtp._tls'}],
                    error => 'servfail: no answer' });
$r = records('a.example')->{'_smtp._tls'};
is $r->{state}, 'unknown', 'the resolver failed';
like $r->{reason}, qr/servfail/, 'and says so';
is_deeply $r->{found}, [$want{'_smtp._tls'}], 'beside what it showed before';

seen('a.example', sts => { at => $now - 5 * 86400, since => 1,
                           txt => [$want{'_mta-sts'}] });
is records('a.example')->{'_mta-sts'}{state}, 'unknown', 'days ago';

for my $bad ('', '{', '[]', '{"reporting":[]}', '{"reporting":{"at":"x"}}') {
    $t->redis('SET', 'tlsrpt:{a.example}:check', $bad);
    is records('a.example')->{'_smtp._tls'}{state}, 'unknown', "'$bad'";
}

# Reports, and days without failures

is $t->post('/v1/tlsrpt', encode_json(report(domain => 'a.example')))->{status},
    201, 'a report';
is steps('a.example')->{'first-report'}{state}, 'done', 'the first report';

is steps('b.example')->{enforce}{state}, 'done', 'enforced';
is_deeply states(steps('bare.example')), {
    'reporting-record' => 'unknown', 'first-report' => 'todo',
    'policy-served' => 'todo', 'policy-host' => 'todo', 'sts-record' => 'todo',
    'days-clean' => 'todo', 'enforce' => 'todo',
}, 'without a policy';

# Who may see it

is get('nowhere.example/setup')->{status}, 404, 'an unknown domain';
is get('a.example/setup?x=1')->{status}, 400, 'a parameter';
is $t->get('/owner/domains/a.example/setup')->{status}, 404,
    'not within the scope';

write_record($t, 'new.example', { pending => [enrolment('new.example',
    state => 'pending', since => $now, owner => 'owner')] });
seen('new.example', reporting => look());
ok TLSRPT::Server::wait_until(20, sub {
    $t->get('/owner/domains/new.example/setup')->{status} == 200;
}), 'its owner sees it while it is pending';

# Who took a domain over sees nothing from before the proof

write_record($t, 'taken.example', { v => 1, holder => enrolment(
    'taken.example', owner => 'owner', since => $now, proved => $now) });
ok TLSRPT::Server::wait_until(20, sub {
    $t->get('/owner/domains/taken.example/setup')->{status} == 200;
}), 'its owner sees it';
my $token = TLSRPT::Registry::token_of('taken.example');
is $t->post("/v1/tlsrpt/$token", encode_json(report(
    domain => 'taken.example',
    day => strftime('%Y-%m-%d', gmtime($now - 86_400)))))->{status}, 201,
    'a report of the day before';
is steps('taken.example')->{'first-report'}{state}, 'done',
    'the operator sees it';
my %own = map { ($_->{step} => $_) } @{ decode_json(
    $t->get('/owner/domains/taken.example/setup')->{body})->{steps} };
is $own{'first-report'}{state}, 'todo', 'its owner does not';
like $own{'days-clean'}{text}, qr/^0 of /, 'nor its day';

done_testing;
