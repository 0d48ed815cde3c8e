"""Makes SQLAlchemy's SQLite dialect take the write lock when a transaction begins."""
from sqlalchemy.dialects.sqlite import pysqlite


def _immediately(statement):
    return "BEGIN IMMEDIATE" if statement.strip().upper() == "BEGIN" else statement


def install():
    dialect = pysqlite.SQLiteDialect_pysqlite
    with_parameters = dialect.do_execute
    without_parameters = dialect.do_execute_no_params

    def do_execute(self, cursor, statement, parameters, context=None):
        return with_parameters(self, cursor, _immediately(statement), parameters, context)

    def do_execute_no_params(self, cursor, statement, context=None):
        return without_parameters(self, cursor, _immediately(statement), context)

    dialect.do_execute = do_execute
    dialect.do_execute_no_params = do_execute_no_params
