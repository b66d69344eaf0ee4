"""Every error we raise on purpose, split by what the caller must do.

AlgoMirrorError
  BrokerError(account)      a call to OpenAlgo failed; `.sentence` says what and what to do
    NotSent                 safe to retry: not one byte was written
    Refused                 a definite no, with the broker's reason
    OutcomeUnknown          it may have happened: reconcile, never resend
    BadAnswer               a read that cannot be believed (unreadable, partial)
  InvalidInput(field, message)  shown beside the form field
  InvalidTransition         a bug or a broker surprise: raises attention on the execution
  LeaseHeld(holder)         another process owns trading
"""


class AlgoMirrorError(Exception):
    """Base of all errors of ours."""


class BrokerError(AlgoMirrorError):
    def __init__(self, sentence: str, *, account_id: int | None = None, status: int | None = None):
        super().__init__(sentence)
        self.sentence = sentence
        self.account_id = account_id
        self.status = status


class NotSent(BrokerError):
    """Not one byte left this machine."""


class Refused(BrokerError):
    """OpenAlgo or the broker said no."""


class OutcomeUnknown(BrokerError):
    """It may have happened."""


class BadAnswer(BrokerError):
    """The answer cannot be believed; what we knew before stays what we know."""


class InvalidInput(AlgoMirrorError):
    def __init__(self, field: str, message: str):
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class InvalidTransition(AlgoMirrorError):
    """A report that no table of ours allows."""


class LeaseHeld(AlgoMirrorError):
    def __init__(self, holder: str):
        super().__init__(f"Another AlgoMirror process owns trading: {holder}")
        self.holder = holder
