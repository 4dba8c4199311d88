# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Which mails are reports, in the shapes that real senders give them, and
# which are none.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $server = servers(nginx => 0, redis => 1);
my $rspamd = TLSRPT::Rspamd->new(
    server => $server,
    tlsrpt => 'domains = ["example.com", ".wild.example", "bücher.example"];'
              . 'require_dkim = false;',
)->start;

my $NAME = 'sender.example!example.com!1795392000!1795478399';
my $n = 0;

# A report nobody has sent yet.
sub fresh { return report('report-id' => 'id-' . ++$n, @_) }

sub symbols {
    my ($mail) = @_;

    my $answer = $rspamd->scan($mail);

    return join ' ', map { s/^TLSRPT_//r }
        grep { /^TLSRPT_/ } sort keys %{ $answer->{symbols} };
}

sub recognised { return is(symbols($_[0]), 'REPORT', $_[1]) }
sub ordinary   { return is(symbols($_[0]), '', $_[1]) }

sub option {
    my ($mail, $symbol) = @_;

    return $rspamd->scan($mail)->{symbols}{"TLSRPT_$symbol"}{options}[0];
}

my $text = TLSRPT::Mail::part('text/plain', "A TLS report.\r\n",
                              encoding => '8bit');
my $html = TLSRPT::Mail::part('text/html', "<p>A TLS report.</p>\r\n",
                              encoding => 'quoted-printable');

sub forwarded {
    return TLSRPT::Mail::part('message/rfc822', $_[0], encoding => '8bit');
}

# As mail servers return what they cannot deliver (RFC 3464).
sub bounce {
    my ($mail) = @_;

    return mail([$text, TLSRPT::Mail::part('message/delivery-status',
            "Reporting-MTA: dns; mx.example.org\r\n", encoding => '8bit'),
        forwarded($mail)],
        type => 'report; report-type=delivery-status', subject => 'Returned');
}

# Reports

recognised(report_mail(fresh()), 'as in RFC 8460 5.3');
recognised(mail([$html, report_part(fresh()), "\r\n"]),
           'HTML first, an empty third part');
recognised(mail([$html, report_part(fresh())], unclosed => 1),
           'no closing boundary');
recognised(report_mail(fresh(), single => 1), 'a single part');
recognised(report_mail(fresh(), single => 1, headers => [], name => undef),
           'a single part, no TLS-Report headers, no file name');
recognised(report_mail(fresh(), type => 'application/tlsrpt'),
           'application/tlsrpt');
recognised(report_mail(fresh(), type => 'application/tlsrpt+json', plain => 1),
           'application/tlsrpt+json');
recognised(report_mail(fresh(), headers => []), 'no TLS-Report headers');

for my $type (qw(application/gzip application/x-gzip application/octet-stream))
{
    recognised(mail([$text, report_part(fresh(), type => $type)],
                    type => 'mixed', subject => 'x'), "$type, by its name");
    recognised(report_mail(fresh(), type => $type, name => undef),
               "$type without a name, by the mail's headers");
    recognised(mail([$text, report_part(fresh(), type => $type,
                                        name => 'x.gz')], type => 'mixed'),
               "$type, by the Subject");
}

recognised(mail([$text, report_part(fresh(), type => 'application/json',
        plain => 1, name => "$NAME.json")], type => 'mixed', subject => 'x'),
    'application/json, by its name');
recognised(mail([report_part(fresh(), type => 'text/plain', plain => 1,
        name => undef)]), 'text/plain in a report-type=tlsrpt mail');
recognised(mail([$text, report_part(fresh())], type => 'mixed',
        subject => "hello"), 'by the type of the part alone');
recognised(report_mail(fresh(),
        subject => "Report\r\n Domain:\r\n example.com\r\n Submitter:\r\n"
                   . " sender.example\r\n Report-ID:\r\n 12+x"),
    'a Subject folded on every word');

my $json = encode_json(fresh());
(my $quoted = $json) =~ s/([^\x21-\x3c\x3e-\x7e])/sprintf '=%02X', ord $1/ge;
$quoted =~ s/(.{60,70}(?!=|.=|..=))(?=.)/$1=\r\n/g;
recognised(mail([$text, report_part($json, content => $quoted,
        type => 'application/json', encoding => 'quoted-printable',
        name => "$NAME.json")], type => 'mixed'), 'quoted-printable JSON');
for my $type ('text/plain', 'application/x-gunzip', 'application/zip',
              'application/x-tlsrpt', 'image/png', 'application/x')
{
    recognised(mail([$text, report_part(fresh(), type => $type,
            name => "$NAME.json.gz")], type => 'mixed', subject => 'x'),
        "$type, by its name");
}

recognised(mail([$text, report_part(fresh(), name => "$NAME.json.gz")
        =~ s/Content-Type: .*?\r\n//r], type => 'mixed', subject => 'x'),
    'no type, by its name');
recognised(report_mail(fresh(), single => 1, headers => [], subject => 'x',
        type => 'text/plain', name => "$NAME.json.gz"),
    'a single part, by its name');
recognised(mail([$text, report_part(fresh(), type => 'application/gzip',
        name => undef, disposition => "attachment;\r\n"
        . " filename*0=\"sender.example!example.com!\";\r\n"
        . " filename*1=\"1795392000!1795478399.json.gz\"")],
        type => 'mixed', subject => 'x'), 'a file name in pieces (RFC 2231)');
recognised(mail([$text, report_part(fresh(), name => undef,
        type => "application/gzip;\r\n name=\"$NAME.json.gz\"")],
        type => 'mixed', subject => 'x'), 'a name in Content-Type only');
recognised(mail([mail([$text, report_part(fresh())])
        =~ s/\A.*?(?=Content-Type:)//sr, $text], type => 'mixed'),
    'a mailing list added a footer');
recognised(report_mail(fresh(), encoding => 'binary',
        content => gzipped(encode_json(fresh())) . "\r\n"),
    'binary, with a line end after the gzip end');
recognised(report_mail(fresh(), headers => [map { "X-Trace-$_: x" } 1 .. 30]),
    '30 trace headers');

# Several

my $two = mail([$text, report_part(fresh()), report_part(fresh())]);
my $answer = $rspamd->scan($two);
is(scalar @{ $answer->{milter}{add_headers}{'X-TLS-Report'} }, 2,
   'two reports in one mail: both are stored');
is(symbols($two), 'DUPLICATE', 'and are duplicates then');
is(symbols(mail([$text, report_part(fresh()), report_part('{"a":1}')])),
   'INVALID REPORT', 'a good one and a bad one');
is(symbols(mail([map { report_part(fresh()) } 1 .. 17])), 'INVALID',
   'more than anybody sends');

# Domains

recognised(report_mail(fresh(domain => 'a.b.wild.example')), 'a subdomain');
recognised(report_mail(fresh(domain => 'wild.example')), 'the domain itself');
recognised(report_mail(fresh(domain => 'xn--bcher-kva.example')),
           'an A-label of a configured U-label');
is(symbols(report_mail(fresh(domain => 'sub.example.com'))), 'UNKNOWN_DOMAIN',
   'a subdomain that was not asked for');
is(symbols(report_mail(fresh(domain => 'other.example'))), 'UNKNOWN_DOMAIN',
   'another domain');

my $mixed = fresh();
push @{ $mixed->{policies} }, fresh(domain => 'other.example')->{policies}[0];
recognised(report_mail($mixed), 'one domain of two is accepted');

my $nameless = fresh();
$nameless->{policies}[0]{policy} = { 'policy-type' => 'no-policy-found' };
recognised(report_mail($nameless), 'no policy-domain: the file name');

# Bad ones are said to be

is(symbols(report_mail('{"report-id":')), 'INVALID', 'cut short');
like(option(report_mail('{"policies": 1, }'), 'INVALID'),
     qr/line 1, column \d+/, 'the place in the JSON text');
like(option(report_mail({}), 'INVALID'), qr/missing/, 'an empty object');
is(symbols(report_mail('', content => "PK\3\4abcdefgh")), 'INVALID',
   'a zip archive');
is(symbols(report_mail('', content => '')), 'INVALID', 'an empty part');
is(symbols(report_mail('', content => "\x1f\x8b\x08broken")), 'INVALID',
   'broken gzip');
is(symbols(mail([$text])), 'INVALID', 'report-type=tlsrpt without a report');
is(symbols(nested(report_mail(fresh()))), 'NESTED', 'a forwarded report');
is(option(nested(report_mail(fresh())), 'NESTED'),
   'within a forwarded or returned mail', 'and why');
is(symbols(nested(nested(report_mail(fresh())))), 'NESTED',
   'forwarded twice');
is(symbols(nested(report_mail(fresh(), type => 'application/octet-stream'))),
   'NESTED', 'known by its name alone, and forwarded');
is(symbols(bounce(report_mail(fresh()))), 'NESTED', 'a returned report');
is(symbols(mail([report_part(fresh()), forwarded(report_mail(fresh()))])),
   'NESTED REPORT', 'a report, and a forwarded one');
like(option(report_mail(fresh(day => day(-500))), 'INVALID'), qr/range/,
     'older than the retention');
like(option(report_mail(fresh(day => day(+5))), 'INVALID'), qr/range/,
     'in the future');

# Ordinary mail

ordinary("Subject: hi\r\n\r\nhello\r\n", 'no MIME at all');
ordinary("\r\n", 'an empty mail');
ordinary(mail([$text, $html], type => 'alternative', subject => 'hi'),
         'text and HTML');
ordinary(mail([$text, TLSRPT::Mail::part('application/gzip', gzipped('x'))],
              type => 'mixed', subject => 'backup'), 'a gzip attachment');
ordinary(mail([$text, TLSRPT::Mail::part('application/json', '{"a":1}')],
              type => 'mixed', subject => 'data'), 'a JSON attachment');
ordinary(mail([$text, report_part('<xml/>', type => 'application/gzip',
        name => 'google.com!example.com!1795392000!1795478399.xml.gz')],
        type => 'mixed'), 'a DMARC aggregate report');
ordinary(mail([$text, report_part('<xml/>', type => 'application/gzip',
        name => 'report.gz')], type => 'mixed'),
    'a DMARC aggregate report under another name');
ordinary(mail([$text, report_part('<xml/>', type => 'application/gzip',
        name => undef)], type => 'mixed'),
    'a DMARC aggregate report without a name');
ordinary(mail([$text, report_part('', content => "\x1f\x8b\x08broken",
        type => 'application/gzip', name => 'report.gz')], type => 'mixed'),
    'a broken one, of which nobody knows');
ordinary(mail([$text, report_part('', content => "PK\3\4abcdefgh",
        type => 'application/octet-stream', name => 'report')],
    type => 'mixed'), 'a zip archive under such a Subject');
ordinary(report_part('<xml/>', type => 'application/gzip', name => undef)
         =~ s/\A/Subject: Report domain: example.com Submitter: a Report-ID: 1
MIME-Version: 1.0\r\n/r =~ s/(?<!\r)\n/\r\n/gr,
    'a DMARC aggregate report that is all of a mail');
ordinary(bounce("Subject: hi\r\n\r\nhello\r\n"), 'a bounce of something');
ordinary(bounce(report_mail(fresh()) =~ s/\r\n\r\n.*//sr . "\r\n\r\n"),
         'a bounce with the header of a report alone');
ordinary(mail([$text, TLSRPT::Mail::part('text/rfc822-headers',
        report_mail(fresh()) =~ s/\r\n\r\n.*//sr . "\r\n",
        encoding => '8bit')], type => 'report; report-type=delivery-status',
        subject => 'Returned'), 'the same, as text/rfc822-headers');
ordinary(mail([map { forwarded($_) } "Subject: a\r\n\r\na\r\n",
        mail([$text, report_part('<xml/>', type => 'application/gzip',
             name => undef)], type => 'mixed')], type => 'digest',
        subject => 'digest'), 'a digest with a DMARC report');
ordinary("Subject: Re: Report Domain: example.com Submitter: sender.example"
         . " Report-ID: <1>\r\n\r\n> " . $json . "\r\n", 'a reply quoting one');
ordinary("Subject: Report Domain: example.com Submitter: sender.example"
         . " Report-ID: <1>\r\n\r\nWhat is this?\r\n",
         'a question under its Subject');
ordinary(mail([$text, TLSRPT::Mail::part('message/delivery-status',
        "Reporting-MTA: dns; x\r\n", encoding => '8bit')],
        type => 'report; report-type=delivery-status', subject => 'bounce'),
    'a bounce');
ordinary(mail([$text, report_part('{', type => 'application/pdf',
        name => 'a.pdf')], type => 'mixed', subject => 'x'), 'a PDF');

is($rspamd->stop, '', 'nothing bad in the log');
done_testing;
