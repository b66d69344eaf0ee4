"""Does an account's WebSocket accept us? For "Test connection"."""

import json
import socket
import ssl

import websocket

from algomirror.broker import wire

DEADLINE_S = 5.0


def probe_feed(url: str, api_key: str) -> str:
    """Empty when authentication works; else a sentence that says why and what to do."""
    try:
        connection = websocket.create_connection(url, timeout=DEADLINE_S)
    except ssl.SSLError as failed:
        return f"TLS to {url} failed: {failed}. Use ws:// if this OpenAlgo has no TLS."
    except socket.gaierror:
        return f"The host name in {url} is not known. Check the address."
    except (OSError, websocket.WebSocketException):
        return f"nothing answers at {url}. Is OpenAlgo's WebSocket proxy running?"
    try:
        connection.send(json.dumps({"action": "authenticate", "api_key": api_key}))
        answer = json.loads(connection.recv())
    except (OSError, ValueError, websocket.WebSocketException):
        return f"{url} did not answer the login in {DEADLINE_S:.0f} s."
    finally:
        connection.close(timeout=1)
    if answer.get("type") == "auth" and answer.get("status") == "success":
        return ""
    return f"the login was refused: {wire.message_of(answer)}"
